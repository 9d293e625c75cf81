import type { LimitOfFleet } from '../../../core/shared-state.ts'

/** What the script `LIMIT` does, written a second time. Times are whole microseconds. */
export class RedisLimit {
  #fullUs = 0

  ask(
    { limit, perMs, burst }: LimitOfFleet,
    want: number,
    back: number,
    nowUs: number,
  ): { readonly granted: number; readonly waitUs: number } {
    const perUs = (perMs * 1_000) / limit
    const size = burst * perUs
    let full = Math.min(Math.max(this.#fullUs - Math.floor(back * perUs), nowUs), nowUs + Math.ceil(size))
    const granted = Math.max(0, Math.min(want, Math.floor((size - (full - nowUs)) / perUs + 0.000001)))
    full += Math.ceil(granted * perUs)
    // A full bucket needs no key, so a clock that goes back finds it full too.
    if (granted > 0 || back > 0) this.#fullUs = full > nowUs ? full : 0
    return { granted, waitUs: granted < want ? Math.max(0, Math.ceil(full + perUs - size - nowUs)) : 0 }
  }

  flush(): void {
    this.#fullUs = 0
  }
}
