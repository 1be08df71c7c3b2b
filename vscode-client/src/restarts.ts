/** When a server that crashed is started again: soon at first, then later, then not at all. Starts nothing. */

const WINDOW_MS = 3 * 60_000;
const MOST = 5;
const FIRST_DELAY_MS = 1000;

export class Restarts {
  #crashes: number[] = [];

  /** Milliseconds to wait after a crash at this time; undefined if the server should stay down. */
  afterCrash(now: number): number | undefined {
    this.#crashes = this.#crashes.filter((crash) => now - crash < WINDOW_MS);
    if (this.#crashes.length >= MOST) return undefined;
    this.#crashes.push(now);
    return FIRST_DELAY_MS * 2 ** (this.#crashes.length - 1);
  }

  /** A person asked for a start, so the past does not count. */
  forget(): void {
    this.#crashes = [];
  }
}
