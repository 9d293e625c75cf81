import type { Clock } from '../core/clock.ts'
import type { LimitOfFleet, SharedLimit } from '../core/shared-state.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import { EXACT } from './scripts/exact.ts'
import { LIMIT } from './scripts/limit.ts'
import { LeasedPermits, type LeaseHost } from './state/leased-permits.ts'

const SCRIPT = script(LIMIT)
const EXACT_SCRIPT = script(EXACT)
// How long to wait with a call that needs an exact permit, while Redis does not answer and `onLoss` admits none.
const LOST_RETRY_MS = 1_000

/** What all leases of one fleet share. */
export interface LeaseContext extends LeaseHost {
  readonly clock: Clock
  readonly link: Link
  /** Returns the key in Redis. */
  keyOf(key: string | undefined): string
  /** The arguments of {@link EXACT} for the present limit. */
  exactArgs: ExactArgs | undefined
  readonly onPermits: (key: string | undefined) => void
  /** Called when a lease has permits that it may give back later. */
  onLease(lease: Lease): void
}

/** The text of a limit. Each call of an exact limit sends it. */
interface ExactArgs {
  readonly of: LimitOfFleet
  readonly texts: readonly string[]
}

/** The permits of one key in this process, and their key in Redis. */
export class Lease extends LeasedPermits<LeaseContext> implements SharedLimit {
  readonly #key: string | undefined

  constructor(context: LeaseContext, key: string | undefined) {
    super(context, context.clock.now())
    this.#key = key
  }

  get costMax(): number {
    return 1
  }

  get order(): number {
    return 0
  }

  settle(): void {}

  /** Asks for a lease in the background. */
  async ask(now: number): Promise<void> {
    const { clock } = this.host
    try {
      const { granted, waitMs } = await this.send(this.want(now), 0)
      this.granted(granted, waitMs, now, clock.now())
      if (granted > 0) this.host.onLease(this)
    } catch {
      this.failed(clock.now())
    }
    this.host.onPermits(this.#key)
  }

  /** Not an async function: each further promise delays every call. */
  acquireExactly(): Promise<number> {
    const context = this.host
    return context.link.askTexts(EXACT_SCRIPT, context.keyOf(this.#key), exactArgs(context)).then(
      (answer) => {
        const waitUs = Number(answer)
        this.answeredExactly(waitUs === 0 ? 1 : 0, context.clock.now())
        return waitUs / 1_000
      },
      () => this.acquireWhileLost(),
    )
  }

  private acquireWhileLost(): number {
    const now = this.host.clock.now()
    this.failed(now)
    if (this.acquireWithoutRedis(now)) return 0
    return this.onLoss === 'closed' ? LOST_RETRY_MS : Math.max(this.permitAtMs(0, now) - now, 1)
  }

  /** Gives back what an idle instance does not need. */
  giveBackIdle(): void {
    this.sendBack(this.takeIdle(this.host.clock.now()))
  }

  /** Gives back all permits. */
  giveBackAll(): Promise<unknown> {
    return this.sendBack(this.takeAll(this.host.clock.now()))
  }

  /** Permits that do not reach Redis come again with time. */
  private sendBack(permits: number): Promise<unknown> {
    return permits === 0 ? Promise.resolve() : this.send(0, permits).catch(() => {})
  }

  private async send(want: number, back: number): Promise<{ readonly granted: number; readonly waitMs: number }> {
    const [granted, waitUs] = await this.question(want, back)
    return { granted: Number(granted), waitMs: Number(waitUs) / 1_000 }
  }

  private question(want: number, back: number): Promise<readonly unknown[]> {
    const context = this.host
    const args = [usPerPermit(context.limit), context.limit.burst, want, back]
    const answer = context.link.ask(SCRIPT, context.keyOf(this.#key), args)
    return answer as Promise<readonly unknown[]>
  }
}

function exactArgs(context: LeaseContext): readonly string[] {
  const { limit, exactArgs: known } = context
  if (known?.of === limit) return known.texts
  const perUs = usPerPermit(limit)
  const texts = [String(perUs), String(perUs * limit.burst)]
  context.exactArgs = { of: limit, texts }
  return texts
}

function usPerPermit({ limit, perMs }: LimitOfFleet): number {
  return (perMs * 1_000) / limit
}
