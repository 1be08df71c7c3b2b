/** The list of models to choose from. */

import { type Model, BUNDLED } from "./protocol";

export interface Choice {
  /** The model to select; null lets the server choose. */
  readonly name: string | null;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly problem: string | null;
}

/** The automatic choice, then one choice for each model, unusable models last. */
export function choices(models: readonly Model[]): Choice[] {
  const automatic: Choice = {
    name: null,
    label: "$(wand) Automatic",
    description: "",
    detail: `This workspace's own model, else ${BUNDLED}, which knows Python in general`,
    problem: null,
  };
  return [automatic, ...[...models].sort(byWorth).map(choice)];
}

function choice(model: Model): Choice {
  const icon = model.problem !== null ? "$(warning)" : model.current ? "$(check)" : "$(circle-outline)";
  const facts = [bits(model.bitsPerByte), parameters(model.parameters), model.written.slice(0, 10)];
  return {
    name: model.name,
    label: `${icon} ${model.name}${model.current ? " (in use)" : ""}`,
    description: facts.filter((fact) => fact !== "").join(" · "),
    detail: model.problem ?? detail(model),
    problem: model.problem,
  };
}

function detail({ name, recipe }: Model): string {
  if (name === BUNDLED) return "The bundled model; knows Python in general";
  return recipe === null ? "" : `Recipe: ${recipe}`;
}

function byWorth(one: Model, other: Model): number {
  const usable = Number(one.problem !== null) - Number(other.problem !== null);
  return usable || Number(other.current) - Number(one.current) || other.written.localeCompare(one.written);
}

function bits(value: number | null): string {
  return value === null ? "" : `${value.toFixed(3)} bits/byte`;
}

/** 1066112 as 1.1 M parameters. */
function parameters(count: number | null): string {
  if (count === null) return "";
  return `${count >= 1e6 ? `${(count / 1e6).toFixed(1)} M` : `${Math.round(count / 1e3)} k`} parameters`;
}
