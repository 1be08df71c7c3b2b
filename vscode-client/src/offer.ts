/** Offer to train the bundled model on the workspace: once, and only after a while. */

import { BUNDLED } from "./protocol";
import type { Facts } from "./status";

/** Milliseconds before the first look at the facts in a new window, and between two looks. */
export const QUIET_MS = 60_000;

/** Milliseconds after which a postponed offer may come again, in another window. */
export const LATER_MS = 7 * 24 * 3_600_000;

export const ANSWERS = { train: "Train", later: "Later", never: "Don't ask" } as const;

const MESSAGE =
  "TinyCoder is ready. Ten minutes of training make it yours: it learns from this workspace, on this machine, while " +
  "you continue to work.";

/** For a workspace: the earliest time of the next offer, in milliseconds since 1970. For all: whether none may come. */
const KEYS = { notBefore: "offer.notBefore", never: "offer.never" };

/** Values that outlive a window; a `Memento` of the editor. */
export interface Memory {
  get<T>(key: string): T | undefined;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** What an offer needs of the editor. */
export interface OfferHost {
  facts(): Facts;
  /** Milliseconds since 1970. */
  now(): number;
  /** Call once after so many milliseconds; the returned function cancels that. */
  after(ms: number, call: () => void): () => void;
  readonly workspace: Memory;
  readonly everywhere: Memory;
  /** Whether there is code to learn from, and the trained model would be used. */
  isWorthIt(): Promise<boolean>;
  /** Show a message; resolves to the clicked answer, or to nothing if the message is closed. */
  ask(message: string, answers: readonly string[]): PromiseLike<string | undefined>;
  train(): void;
}

export class Offer {
  #cancel: () => void;

  constructor(private readonly host: OfferHost) {
    this.#cancel = this.#soon();
  }

  dispose(): void {
    this.#cancel();
  }

  #soon(): () => void {
    return this.host.after(QUIET_MS, () => void this.#consider());
  }

  /** Make the offer if earlier answers allow it, as soon as the facts do; at most once in a window. */
  async #consider(): Promise<void> {
    const { workspace, everywhere } = this.host;
    if (everywhere.get<boolean>(KEYS.never) || this.host.now() < (workspace.get<number>(KEYS.notBefore) ?? 0)) return;
    if (!isGeneral(this.host.facts())) {
      this.#cancel = this.#soon();
      return;
    }
    if (!(await this.host.isWorthIt())) return;
    await workspace.update(KEYS.notBefore, Number.MAX_SAFE_INTEGER); // also if nobody answers
    const answer = await this.host.ask(MESSAGE, Object.values(ANSWERS));
    if (answer === ANSWERS.train) this.host.train();
    if (answer === ANSWERS.later) await workspace.update(KEYS.notBefore, this.host.now() + LATER_MS);
    if (answer === ANSWERS.never) await everywhere.update(KEYS.never, true);
  }
}

/** Whether the bundled model answers, and a model of the workspace could. */
function isGeneral(facts: Facts): boolean {
  return facts.phase === "ready" && facts.trusted && facts.model === BUNDLED;
}
