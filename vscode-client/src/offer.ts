/** Offers to train the general model on the workspace: once, and not at once. Knows no editor and reads no file. */

import { SHIPPED } from "./protocol";
import type { Facts } from "./status";

/** Milliseconds in which a new window is left in peace, and between two looks at how things stand. */
export const QUIET_MS = 60_000;

/** Milliseconds after which an offer that was put off may come again, in another window. */
export const LATER_MS = 7 * 24 * 3_600_000;

export const ANSWERS = { train: "Train", later: "Later", never: "Don't ask" } as const;

const WORDS =
  "TinyCoder is ready. Ten minutes of training make it yours: it learns from this workspace, on this machine, while " +
  "you go on working.";

/** Of a workspace: when the next offer may come, in milliseconds since 1970. Of all workspaces: whether none may. */
const KEYS = { notBefore: "offer.notBefore", never: "offer.never" };

/** What outlives a window; a `Memento` of the editor. */
export interface Memory {
  get<T>(key: string): T | undefined;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** What an offer needs of the editor. */
export interface Desk {
  facts(): Facts;
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once after so many milliseconds; what it returns calls it off. */
  after(ms: number, call: () => void): () => void;
  readonly workspace: Memory;
  readonly everywhere: Memory;
  /** Whether there is code to learn from, and what is learnt from it would be used. */
  isWorthIt(): Promise<boolean>;
  /** Show the words; the answer that was clicked, or nothing once they were closed. */
  ask(words: string, answers: readonly string[]): PromiseLike<string | undefined>;
  train(): void;
}

export class Offer {
  #callOff: () => void;

  constructor(private readonly desk: Desk) {
    this.#callOff = this.#soon();
  }

  dispose(): void {
    this.#callOff();
  }

  #soon(): () => void {
    return this.desk.after(QUIET_MS, () => void this.#consider());
  }

  /** Make the offer if what is remembered allows it, as soon as the facts do. At most once a window. */
  async #consider(): Promise<void> {
    const { workspace, everywhere } = this.desk;
    if (everywhere.get<boolean>(KEYS.never) || this.desk.now() < (workspace.get<number>(KEYS.notBefore) ?? 0)) return;
    if (!isGeneral(this.desk.facts())) {
      this.#callOff = this.#soon();
      return;
    }
    if (!(await this.desk.isWorthIt())) return;
    await workspace.update(KEYS.notBefore, Number.MAX_SAFE_INTEGER); // also if nobody answers
    const answer = await this.desk.ask(WORDS, Object.values(ANSWERS));
    if (answer === ANSWERS.train) this.desk.train();
    if (answer === ANSWERS.later) await workspace.update(KEYS.notBefore, this.desk.now() + LATER_MS);
    if (answer === ANSWERS.never) await everywhere.update(KEYS.never, true);
  }
}

/** Whether completions come from the model that every installation has, and could come from the workspace's own. */
function isGeneral(facts: Facts): boolean {
  return facts.phase === "ready" && facts.trusted && facts.model === SHIPPED;
}
