/** How long suggestions take, and whether one is being thought about. Knows no suggestion. */

/** Milliseconds after which thinking is worth a sign; most answers come sooner, and a sign for each would flicker. */
const WORTH_A_SIGN_MS = 150;

export interface Timers {
  now(): number;
  /** Calls once after so many milliseconds; what it returns calls it off. */
  after(ms: number, call: () => void): () => void;
}

export class Latency {
  #running = 0;

  constructor(
    private readonly timers: Timers,
    private readonly onThinking: (thinking: boolean) => void,
    private readonly onSuggestion: (latency: number) => void,
  ) {}

  /** Do the work, and note how long it took if what it gave `counts`. */
  async measure<T>(work: () => PromiseLike<T>, counts: (result: T) => boolean): Promise<T> {
    const start = this.timers.now();
    const callOff = this.timers.after(WORTH_A_SIGN_MS, () => this.onThinking(true));
    this.#running += 1;
    try {
      const result = await work();
      if (counts(result)) this.onSuggestion(this.timers.now() - start);
      return result;
    } finally {
      callOff();
      this.#running -= 1;
      if (this.#running === 0) this.onThinking(false);
    }
  }
}
