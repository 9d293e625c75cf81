import type { LocalCircuit } from '../../../core/shared-state.ts'
import { Breaker } from '../../../policies/circuit-breaker/state/breaker.ts'
import { obey } from '../../../policies/circuit-breaker/state/obey.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { CircuitMember } from '../circuit-member.ts'
import { RedisCircuit } from './redis-circuit.ts'
import type { VirtualNetwork } from './virtual-network.ts'

const TIMEOUT_MS = 50
const OPEN_FOR_MS = 2_000

/** Several instances with a real circuit breaker each, around one dependency. */
export class CircuitWorld {
  readonly net: VirtualNetwork
  readonly redis = new RedisCircuit()
  readonly instances: Instance[]
  /** Whether the dependency answers. */
  isDependencyUp = true
  /** What must not happen, as text. */
  readonly broken: string[] = []
  probes = 0

  constructor(net: VirtualNetwork, count: number) {
    this.net = net
    this.instances = Array.from({ length: count }, (_, index) => new Instance(this, index))
  }
}

/** One instance: its breaker, its part in the fleet, and its calls. */
export class Instance {
  readonly breaker: Breaker
  readonly member: CircuitMember
  /** Whether its own network is broken: its calls fail, though the dependency answers. */
  isBroken = false
  /** The mean time between its calls. */
  callEveryMs = 50
  readonly #world: CircuitWorld
  readonly #id: number
  #offsetMs: number
  #stoppedUntilMs = 0
  #isAsking = false
  #wantsToAsk = false
  #isObeying = false

  constructor(world: CircuitWorld, id: number) {
    this.#world = world
    this.#id = id
    this.#offsetMs = world.net.between(0, 1e6)
    this.breaker = new Breaker({
      trip: consecutive(3),
      openPeriod: { baseMs: OPEN_FOR_MS, factor: 1, maxMs: OPEN_FOR_MS, retryAfterMaxMs: 0 },
      halfOpen: { probes: 1, closeAt: 1, leaseMs: 2_000 },
      mode: 'enforce',
      ramp: undefined,
      onTransition: ({ from, to }) => {
        if (this.#isObeying) return
        const openForMs = this.breaker.openPeriod?.lengthMs ?? 0
        for (const decision of this.member.changed(from, to, openForMs, this.now)) {
          obey(this.breaker, decision, this.now)
        }
        this.#ask()
      },
    })
    this.member = new CircuitMember(0.5, world.net.random, this.now)
    this.#tick()
    this.#callLater()
  }

  /** The instance's monotonic clock. */
  get now(): number {
    return this.#world.net.nowMs + this.#offsetMs
  }

  /** The clock jumps ahead, as after a suspension. */
  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  /** Stops the process: its timers, calls and answers wait. */
  stop(forMs: number): void {
    this.#stoppedUntilMs = this.#world.net.nowMs + forMs
  }

  /** Runs when the process is not stopped. */
  #run(body: () => void): void {
    const { net } = this.#world
    if (net.nowMs >= this.#stoppedUntilMs) body()
    else net.after(this.#stoppedUntilMs - net.nowMs, () => this.#run(body))
  }

  #tick(): void {
    const { net } = this.#world
    net.after(net.between(5, 20), () =>
      this.#run(() => {
        this.breaker.advance(this.now)
        if (this.now >= this.member.nextMs) this.#ask()
        this.#tick()
      }),
    )
  }

  #local(): LocalCircuit {
    const { breaker } = this
    return {
      state: breaker.state,
      enoughCalls: true,
      probing: breaker.openPeriod?.trial?.hasBegun ?? false,
      openForMs: breaker.openPeriod?.lengthMs ?? OPEN_FOR_MS,
    }
  }

  #ask(): void {
    if (this.#isAsking) {
      this.#wantsToAsk = true
      return
    }
    this.#isAsking = true
    this.#wantsToAsk = false
    const { net, redis } = this.#world
    const askedMs = this.now
    const question = this.member.question(this.#local(), askedMs)
    let isOver = false
    const end = (decide: () => ReturnType<CircuitMember['failed']>): void =>
      this.#run(() => {
        if (isOver) return
        isOver = true
        this.#isAsking = false
        this.#obey(decide)
        if (this.#wantsToAsk) this.#ask()
      })
    net.send(
      this.#id,
      () => redis.ask(String(this.#id), question, net.redisMs),
      (answer) => end(() => this.member.answered(question, answer, this.#local(), askedMs, this.now)),
    )
    net.after(TIMEOUT_MS, () => end(() => this.member.failed(this.now)))
  }

  #obey(decide: () => ReturnType<CircuitMember['failed']>): void {
    this.#isObeying = true
    for (const decision of decide()) obey(this.breaker, decision, this.now)
    this.#isObeying = false
  }

  #callLater(): void {
    const { net } = this.#world
    net.after(-Math.log(1 - net.random()) * this.callEveryMs, () =>
      this.#run(() => {
        this.#call()
        this.#callLater()
      }),
    )
  }

  #call(): void {
    const { breaker, member } = this
    const world = this.#world
    const permit = breaker.sharedPermit ?? breaker.tryAcquire(this.now, world.net.random)
    if (permit === undefined) {
      if (member.refused(this.now)) this.#ask()
      return
    }
    if (permit.probe && member.isHolder) {
      world.probes += 1
      const { holder, generation } = world.redis
      if (holder !== String(this.#id) || generation !== member.generation) {
        world.broken.push(
          `${world.net.nowMs}: ${this.#id} began a probe in generation ${member.generation}, but the lease of ${generation} is with '${holder}'`,
        )
      }
    } else if (permit.probe && member.isFollowing) world.broken.push(`${this.#id} began a probe without the lease`)
    world.net.after(world.net.between(1, 100), () =>
      this.#run(() => {
        const works = world.isDependencyUp && !this.isBroken
        breaker.settle(permit, works ? 'success' : 'failure', this.now)
      }),
    )
  }
}
