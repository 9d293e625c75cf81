import { HeldPermits } from '../held-permits.ts'
import { RedisPermits } from './redis-permits.ts'
import type { VirtualNetwork } from './virtual-network.ts'

const TIMEOUT_MS = 50

/**
 * A call that runs. It counts for the limit if it began after the instance has heard that Redis knows it, and while Redis
 * has known it without a break since then.
 */
interface Running {
  readonly life: number
}

/** Several instances with one semaphore, over a network with trouble. */
export class PermitsWorld {
  readonly net: VirtualNetwork
  readonly redis = new RedisPermits()
  readonly instances: Instance[]
  readonly limit: number
  readonly broken: string[] = []

  constructor(net: VirtualNetwork, count: number, limit: number, exact: boolean) {
    this.net = net
    this.limit = limit
    this.instances = Array.from({ length: count }, (_, id) => new Instance(this, id, exact))
  }

  get redisUs(): number {
    return Math.round(this.net.redisMs * 1_000)
  }

  /** Notes if more calls run than the limit, in instances that Redis knows alive. */
  check(): void {
    const running = this.instances.reduce((sum, instance) => sum + instance.known, 0)
    if (running > this.limit) this.broken.push(`${this.net.nowMs}: ${running} run, the limit is ${this.limit}`)
    if (this.redis.held > this.limit) this.broken.push(`${this.net.nowMs}: Redis has given ${this.redis.held} permits`)
  }
}

/** One instance, with the same rules as the bulkhead of a fleet. */
export class Instance {
  callEveryMs: number
  lastsMsMax: number
  queueMax: number
  /** When a call last began. */
  servedMs = Number.NEGATIVE_INFINITY
  started = 0
  inUse = 0
  waiting = 0
  readonly held: HeldPermits
  readonly #world: PermitsWorld
  readonly #id: number
  readonly #exact: boolean
  readonly #running = new Set<Running>()
  /** Counts how often Redis has begun to know the instance, and how often the instance has heard of it. */
  #life = 0
  #lifeHeard = 0
  #capacity = 0
  #peak = 0
  #offsetMs: number
  #stoppedUntilMs = 0
  #isAsking = false
  #hasFoundNone = false

  constructor(world: PermitsWorld, id: number, exact: boolean) {
    const { net, limit } = world
    this.#world = world
    this.#id = id
    this.#exact = exact
    this.#offsetMs = net.between(0, 1e6)
    this.callEveryMs = net.between(1, 200)
    this.lastsMsMax = net.between(1, 2_000)
    this.queueMax = net.random() < 0.3 ? 0 : Math.ceil(net.between(0, 50))
    const instances = (): number => world.instances?.length ?? 1
    this.held = new HeldPermits({ limit, exact, onLoss: 'closed', instances, random: net.random }, this.now)
    this.#tick()
    this.#callLater()
  }

  get now(): number {
    return this.#world.net.nowMs + this.#offsetMs
  }

  /** How many of its calls began since Redis has known it without a break. */
  get known(): number {
    if (!this.#isKnown) return 0
    let count = 0
    for (const { life } of this.#running) if (life === this.#life) count += 1
    return count
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  /** Makes a call, and goes on at the present pace. */
  callNow(): void {
    this.#call()
    this.#callLater()
  }

  /** Stops the process: its timers, calls and answers wait. */
  stop(forMs: number): void {
    this.#stoppedUntilMs = this.#world.net.nowMs + forMs
  }

  get #isKnown(): boolean {
    const entry = this.#world.redis.entries.get(String(this.#id))
    return entry !== undefined && entry.endsUs > this.#world.redisUs
  }

  #run(body: () => void): void {
    const { net } = this.#world
    if (net.nowMs >= this.#stoppedUntilMs) body()
    else net.after(this.#stoppedUntilMs - net.nowMs, () => this.#run(body))
  }

  #tick(): void {
    const { net } = this.#world
    net.after(net.between(5, 20), () =>
      this.#run(() => {
        if (!this.#isAsking && this.now >= this.held.nextMs) this.#ask()
        this.#tick()
      }),
    )
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
    this.#capacity = Math.min(this.#capacity, this.held.capacity(this.now))
    if (!this.#exact && this.inUse < this.#capacity) {
      this.#begin()
      if (this.#capacity - this.inUse <= this.held.lowWater) {
        this.held.short()
        this.#askIfUseful()
      }
      return
    }
    if (this.waiting < this.queueMax + (this.#exact ? this.#world.limit : 0)) this.waiting += 1
    this.held.foundNone(this.now)
    this.#hasFoundNone = true
    this.#askIfUseful()
  }

  #begin(): void {
    const { net } = this.#world
    const call = { life: this.#lifeHeard }
    this.inUse += 1
    this.started += 1
    this.#peak = Math.max(this.#peak, this.inUse)
    this.#running.add(call)
    this.servedMs = net.nowMs
    this.#world.check()
    net.after(net.between(0, this.lastsMsMax), () => this.#run(() => this.#release(call)))
  }

  #release(call: Running): void {
    this.#running.delete(call)
    this.#capacity = Math.min(this.#capacity, this.held.capacity(this.now))
    const goesBack = this.#capacity > this.held.keepMax
    if (goesBack) this.#capacity = Math.min(this.#capacity, this.inUse - 1)
    this.inUse -= 1
    this.#serve()
    if (goesBack && !this.#isAsking) this.#ask()
  }

  #serve(): void {
    for (; this.waiting > 0 && this.inUse < this.#capacity; this.waiting -= 1) this.#begin()
  }

  #askIfUseful(): void {
    if (!this.#isAsking && this.held.mayAsk(this.now)) this.#ask()
  }

  #ask(): void {
    const { net, redis, limit } = this.#world
    this.#isAsking = true
    this.#hasFoundNone = false
    const askedMs = this.now
    const question = this.held.question({ inUse: this.inUse, waiting: this.waiting, peak: this.#peak }, askedMs)
    this.#peak = this.inUse
    this.#capacity = Math.min(this.#capacity, this.held.capacity(askedMs))
    let isOver = false
    const end = (decide: () => void): void =>
      this.#run(() => {
        if (isOver) return
        isOver = true
        this.#isAsking = false
        decide()
        this.#capacity = this.held.capacity(this.now)
        this.#serve()
        if (this.#exact) this.waiting = Math.min(this.waiting, this.queueMax)
        if (this.#hasFoundNone) this.#askIfUseful()
      })
    net.send(
      this.#id,
      () => {
        if (!this.#isKnown) this.#life += 1
        return { answer: redis.ask(String(this.#id), question, limit, this.#world.redisUs), life: this.#life }
      },
      ({ answer, life }) =>
        end(() => {
          this.#lifeHeard = life
          this.held.answered(question, answer, askedMs, this.now)
        }),
    )
    net.after(TIMEOUT_MS, () => end(() => this.held.failed(this.now)))
  }
}
