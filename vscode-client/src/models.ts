/** The list of models to choose from. Asks nobody. */

import { type Model, SHIPPED } from "./protocol";

export interface Choice {
  /** What to ask the server for; null lets it choose. */
  readonly name: string | null;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly problem: string | null;
}

/** One choice a model, those that cannot be used last, after the choice that leaves it to the server. */
export function choices(models: readonly Model[]): Choice[] {
  const automatic: Choice = {
    name: null,
    label: "$(wand) Automatic",
    description: "",
    detail: `This workspace's own model, else ${SHIPPED}, which knows Python in general`,
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
  if (name === SHIPPED) return "Comes with TinyCoder; knows Python in general";
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
