/** Decide when a crashed server is started again: soon at first, then later, then not at all. */

const WINDOW_MS = 3 * 60_000;
const MAX_CRASHES = 5;
const FIRST_DELAY_MS = 1000;

export class Restarts {
  #crashes: number[] = [];

  /** Milliseconds to wait after a crash at `now`; undefined if the server should stay down. */
  afterCrash(now: number): number | undefined {
    this.#crashes = this.#crashes.filter((crash) => now - crash < WINDOW_MS);
    if (this.#crashes.length >= MAX_CRASHES) return undefined;
    this.#crashes.push(now);
    return FIRST_DELAY_MS * 2 ** (this.#crashes.length - 1);
  }

  /** Forget earlier crashes, since a person asked for a start. */
  forget(): void {
    this.#crashes = [];
  }
}
