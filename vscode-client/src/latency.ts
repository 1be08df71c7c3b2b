/** Measure how long suggestions take, and notice whether one is being computed. */

/** Milliseconds after which thinking is shown; most answers come sooner, and showing each would flicker. */
const THINKING_AFTER_MS = 150;

export interface Timers {
  now(): number;
  /** Call once after so many milliseconds; the returned function cancels that. */
  after(ms: number, call: () => void): () => void;
}

export class Latency {
  #running = 0;
  /** Counts what `forget` ended. */
  #round = 0;

  constructor(
    private readonly timers: Timers,
    private readonly onThinking: (thinking: boolean) => void,
    private readonly onSuggestion: (latency: number) => void,
  ) {}

  /** Do the work, and report how long it took if its result `counts`. */
  async measure<T>(work: () => PromiseLike<T>, counts: (result: T) => boolean): Promise<T> {
    const start = this.timers.now();
    const round = this.#round;
    const cancel = this.timers.after(THINKING_AFTER_MS, () => round === this.#round && this.onThinking(true));
    this.#running += 1;
    try {
      const result = await work();
      if (counts(result)) this.onSuggestion(this.timers.now() - start);
      return result;
    } finally {
      cancel();
      if (round === this.#round) this.#end();
    }
  }

  /** Count no more on what runs now: a server that hangs may leave it unanswered for ever. */
  forget(): void {
    this.#round += 1;
    this.#running = 0;
    this.onThinking(false);
  }

  #end(): void {
    this.#running -= 1;
    if (this.#running === 0) this.onThinking(false);
  }
}
