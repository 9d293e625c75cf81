import { type Health, healthJson, type Waiting } from '../report/health.ts'
import { edgesOf } from '../report/situation.ts'
import type { ServiceFacts, Situation, Window } from '../verdict/situation.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { judge } from '../verdict/verdict.ts'
import type { EngineClient } from './engine-client.ts'
import { eventsBetween } from './engine-columns.ts'
import type { EngineFacts } from './engine-facts.ts'
import type { EngineFields } from './engine-fields.ts'
import { emptyWindow, windowsAt } from './engine-window.ts'
import { MINUTE_MS, type ServiceMinutes } from './service-minutes.ts'

/** Windows before now are asked for service by service: for so many of them. */
const EARLIER_MAX = 20
/** The most services that are silent for longer than an hour. */
const SERVICES_MAX = 100

/** Judges what an engine counts. */
export class EngineHealth {
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #facts: EngineFacts
  readonly #minutes: ServiceMinutes
  readonly #startedAt: number
  /** The services whose earlier hour was asked for. */
  readonly #earlier = new Set<string>()

  constructor(
    client: EngineClient,
    fields: EngineFields,
    facts: EngineFacts,
    minutes: ServiceMinutes,
    startedAt: number,
  ) {
    this.#client = client
    this.#fields = fields
    this.#facts = facts
    this.#minutes = minutes
    this.#startedAt = startedAt
  }

  /**
   * Judges the services at a moment.
   *
   * @param newest the time of the newest line; undefined without one
   * @param waitingOf says why there is no verdict
   * @param isHasty whether the first figures wait for it: then it looks less far back
   */
  async at(
    now: number,
    newest: number | undefined,
    thresholds: Thresholds,
    probes: readonly string[],
    waitingOf: () => Promise<Waiting>,
    isHasty: boolean,
  ): Promise<Health> {
    const isOld =
      newest !== undefined && newest < now - thresholds.oldAfterMs && newest < this.#startedAt - thresholds.oldAfterMs
    const moment = isOld ? newest : now
    const slowerThanMs = thresholds.objective?.latencyMs
    const apart = { probes, hopServices: this.#facts.hopServices }
    const [windows, fallbacks] = await Promise.all([
      windowsAt(this.#client, this.#fields, moment, slowerThanMs, apart),
      eventsBetween(this.#client, this.#fields, { from: moment - 3_600_000, to: moment + 5_001 }, MINUTE_MS),
      this.#minutes.countTo(moment, slowerThanMs, probes, isHasty),
    ])
    for (const { at, service, name, count } of fallbacks)
      if (name === 'fallback') this.#minutes.addFallbacks(service, at, count)
    for (const [name, at] of this.#facts.lastLines) {
      if (this.#minutes.of(name).length > 0 || this.#earlier.has(name) || this.#earlier.size >= SERVICES_MAX) continue
      this.#earlier.add(name)
      await this.#minutes.countEarlier(name, at, slowerThanMs, probes)
    }
    const names = new Set([...this.#facts.lastLines.keys(), ...this.#minutes.services, ...windows.keys()])
    const services: ServiceFacts[] = []
    let asked = 0
    for (const name of names) {
      const facts = this.#factsOf(name, windows.get(name) ?? emptyWindow(), moment, thresholds)
      const needsEarlier = facts.window.requests === 0 && facts.lastRequestAt !== undefined && asked < EARLIER_MAX
      if (!needsEarlier) services.push(facts)
      else {
        asked += 1
        const at = facts.lastRequestAt ?? moment
        const earlier = await windowsAt(this.#client, this.#fields, at, slowerThanMs, apart, name)
        services.push({ ...facts, lastWindow: earlier.get(name) ?? emptyWindow() })
      }
    }
    const situation: Situation = { now: moment, isOld, services, edges: this.#edges() }
    const verdict = judge(situation, thresholds)
    return healthJson(verdict, verdict.state === 'waiting' ? await waitingOf() : undefined)
  }

  #factsOf(name: string, window: Window, moment: number, { oldAfterMs }: Thresholds): ServiceFacts {
    const minutes = this.#minutes.of(name)
    const lastRequestAt = minutes.findLast(({ requests }) => requests > 0)?.lastAt
    const lastLineAt = this.#facts.lastLines.get(name) ?? lastRequestAt
    const { services, breakers } = this.#facts.events
    const processes = services.all.find((watch) => watch.name === name)?.processes
    return {
      name,
      window,
      lastWindow: window,
      minutes,
      olderFailing: undefined,
      olderFailures: undefined,
      lastRequestAt: lastRequestAt === undefined ? undefined : Math.min(lastRequestAt, moment),
      lastLineAt: lastLineAt === undefined ? undefined : Math.min(Math.max(lastLineAt, lastRequestAt ?? 0), moment),
      wasFollowed: Math.max(lastLineAt ?? 0, lastRequestAt ?? 0) >= this.#startedAt - oldAfterMs,
      breakers: breakers.all
        .filter(({ service }) => service === name)
        .map(({ shield, policy, state, since = 0, openSince, process }) => ({
          shield,
          policy,
          state,
          changedAt: since,
          openSince,
          process,
        })),
      processes: processes?.all ?? [],
      starts: processes?.starts ?? [],
      clockAheadMs: 0,
    }
  }

  #edges(): Situation['edges'] {
    const { sample, events, isWhole } = this.#facts
    const fromSample = edgesOf(sample.services).map((edge) => (isWhole ? edge : { ...edge, failures: undefined }))
    return [...fromSample, ...edgesOf(events.services)]
  }
}
