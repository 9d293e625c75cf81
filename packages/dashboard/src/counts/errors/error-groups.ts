import type { Kind } from '../../lines/kind.ts'
import { OTHER } from '../cells.ts'
import { Latest } from '../latest.ts'
import type { PackedReader, PackedWriter } from '../packed.ts'
import { packValue, unpackValue } from '../packed-value.ts'
import { movedTimes, Timeline, type Times, timesOf } from '../timeline.ts'
import { joined, type LoggedError, type RequestIds, requestOf } from './logged-error.ts'
import { templateOf } from './message-template.ts'

/** The most groups of each kind: business errors take no room from technical ones. */
const GROUPS_MAX: Readonly<Record<Kind, number>> = { technical: 400, business: 200 }
/** The most pairs of a group and a route. */
const CELLS_MAX = 4_096
const EXAMPLES_MAX = 5
/** The most recent failed requests whose other lines are recognised. */
const RECENT_MAX = 4_096
const NO_IDS = { traceId: undefined, spanId: undefined }

/** Errors with the same service, code and message template. */
export interface ErrorGroup {
  readonly service: string
  readonly code: string
  readonly template: string
  readonly kind: Kind
  readonly isHidden: boolean
  firstAt: number
  lastAt: number
  /** The newest errors. */
  readonly examples: Latest<LoggedError>
}

interface Cell {
  readonly group: ErrorGroup
  readonly route: string | undefined
}

interface Recent {
  readonly cell: number
  /** The hash of its trace. With the key it tells its span too. */
  readonly trace: number
  /** Without its ids: their hashes take less memory. */
  readonly error: LoggedError
  /** When it is counted, if it was moved. */
  readonly times: Times | undefined
}

/** What was grouped, to be written into a file. Groups are named by their positions. */
interface KnownGroups {
  readonly groups: readonly (Omit<ErrorGroup, 'examples'> & {
    readonly name: string
    readonly examples: readonly LoggedError[]
  })[]
  readonly cells: readonly (readonly [group: number, route: string | undefined])[]
  readonly recent: readonly ReadonlyMap<number, Recent>[]
}

/** Groups errors by service, code and message template, and counts each group over time. All is bounded. */
export class ErrorGroups {
  /** Counts by cell: a group and a route. */
  readonly timeline: Timeline = new Timeline((cell) => this.#cellOf(this.#otherGroup(this.cell(cell).group), undefined))
  readonly #groups = new Map<string, ErrorGroup>()
  /** The same groups by code and template: a lookup makes no long name. */
  readonly #byCode = new Map<string, Map<string, ErrorGroup[]>>()
  readonly #counts: Record<Kind, number> = { technical: 0, business: 0 }
  readonly #cells: Cell[] = []
  readonly #numbers = new Map<ErrorGroup, Map<string | undefined, number>>()
  // Two generations, so that the oldest half can be forgotten at once.
  #recent = new Map<number, Recent>()
  #older = new Map<number, Recent>()

  /** All groups, in order of appearance. */
  get all(): readonly ErrorGroup[] {
    return [...this.#groups.values()]
  }

  /**
   * Returns what a cell counts.
   *
   * @throws RangeError for a number that was never assigned
   */
  cell(number: number): Cell {
    const cell = this.#cells[number]
    if (cell === undefined) throw new RangeError(`no cell ${number}`)
    return cell
  }

  /**
   * Packs all groups and their counts. Yields whenever `into` is full.
   *
   * @throws TooLargeError if the counts have more than `bytesMax`
   */
  *pack(into: PackedWriter, bytesMax: number): Generator<void> {
    yield* this.timeline.pack(into, bytesMax)
    packValue(this.#known, into)
  }

  get #known(): KnownGroups {
    const positions = new Map([...this.#groups.values()].map((group, position) => [group, position]))
    return {
      groups: [...this.#groups].map(([name, { examples, ...group }]) => ({ ...group, name, examples: examples.items })),
      cells: this.#cells.map(({ group, route }) => [positions.get(group) ?? 0, route]),
      recent: [this.#recent, this.#older],
    }
  }

  /** Takes the groups that {@link pack} packed. No error may have been added before. */
  restore(from: PackedReader): void {
    this.timeline.restore(from)
    const { groups, cells, recent } = unpackValue<KnownGroups>(from)
    const made = groups.map(({ name, examples, ...rest }) => {
      const group = { ...rest, examples: new Latest<LoggedError>(EXAMPLES_MAX) }
      group.examples.restore(examples)
      if (name === otherName(rest.kind)) this.#groups.set(name, group)
      else {
        this.#addGroup(name, group)
        this.#counts[rest.kind] += 1
      }
      return group
    })
    for (const [position, route] of cells) {
      const group = made[position]
      if (group !== undefined) this.#cellOf(group, route)
    }
    const [newer = new Map(), older = new Map()] = recent
    this.#recent = new Map(newer)
    this.#older = new Map(older)
  }

  /**
   * Adds what one line says about an error. Lines with the same span are about one error.
   *
   * @param request the ids of its request
   * @param complete adds the ids of the request to what is known of the error, if it is kept as an example
   */
  add(
    error: LoggedError,
    clockMs: number,
    request: RequestIds | undefined = requestOf(error),
    complete: (known: LoggedError) => LoggedError = (known) => withIds(known, error),
  ): void {
    const key = request === undefined ? 0 : request.span ^ Math.imul(request.trace, 31)
    const before = request === undefined ? undefined : this.#before(key, request.trace, error.service)
    const whole = before === undefined ? error : joined(before.error, error)
    if (before !== undefined) {
      if (whole === before.error) return
      this.timeline.take(before.times ?? timesOf(before.error.at), before.cell)
    }
    const group = this.#groupOf(whole)
    if (whole.at < group.firstAt) group.firstAt = whole.at
    if (whole.at > group.lastAt) group.lastAt = whole.at
    if (group.examples.accepts(whole.at)) group.examples.add(complete(whole))
    const cell = this.#cellOf(group, whole.route)
    this.timeline.add(whole.at, cell, undefined, clockMs)
    if (request === undefined) return
    this.#remember(key, { cell, error: withIds(whole, NO_IDS), times: undefined, trace: request.trace })
  }

  /** Returns what an earlier line said about the same request. What a fallback hid is another error than its answer. */
  #before(key: number, trace: number, service: string): Recent | undefined {
    const recent = this.#recent.get(key) ?? this.#older.get(key)
    return recent?.trace === trace && recent.error.service === service ? recent : undefined
  }

  /**
   * Moves the errors of a service from `fromMs` on to other times.
   *
   * @param clockMs the reader's clock
   */
  move(service: string, fromMs: number, byMs: number, clockMs: number): void {
    this.timeline.move((number) => this.cell(number).group.service === service, fromMs, byMs, clockMs)
    const isMoved = (error: LoggedError): boolean => error.service === service && error.at >= fromMs
    for (const group of this.#groups.values()) {
      if (group.service !== service) continue
      group.examples.move(isMoved, byMs)
      if (group.firstAt >= fromMs) group.firstAt += byMs
      if (group.lastAt >= fromMs) group.lastAt += byMs
    }
    // A later line about the same request takes it from where it is counted now.
    for (const recent of [this.#recent, this.#older])
      for (const [key, { error, times, ...rest }] of recent) {
        if (error.service !== service) continue
        const at = isMoved(error) ? error.at + byMs : error.at
        const moved = movedTimes(times ?? timesOf(error.at), fromMs, byMs)
        recent.set(key, { ...rest, error: { ...error, at }, times: moved })
      }
  }

  #remember(key: number, recent: Recent): void {
    if (this.#recent.size >= RECENT_MAX / 2) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, recent)
  }

  #groupOf(error: LoggedError): ErrorGroup {
    const { service, kind, isHidden } = error
    const template = error.detail === undefined ? '' : templateOf(error.detail)
    const code = error.code ?? (error.status === undefined ? '' : `HTTP ${error.status}`)
    const alike = this.#byCode.get(code)?.get(template)
    for (const one of alike ?? [])
      if (one.service === service && one.kind === kind && one.isHidden === isHidden) return one
    const group = emptyGroup(service, code, template, kind, isHidden)
    if (this.#counts[kind] >= GROUPS_MAX[kind]) return this.#otherGroup(group)
    this.#counts[kind] += 1
    this.#addGroup(`${service}\u0000${kind}\u0000${isHidden}\u0000${code}\u0000${template}`, group)
    return group
  }

  #addGroup(name: string, group: ErrorGroup): void {
    const { code, template } = group
    this.#groups.set(name, group)
    const byTemplate = this.#byCode.get(code)
    if (byTemplate === undefined) this.#byCode.set(code, new Map([[template, [group]]]))
    else byTemplate.set(template, [...(byTemplate.get(template) ?? []), group])
  }

  #otherGroup({ kind }: ErrorGroup): ErrorGroup {
    const name = otherName(kind)
    let other = this.#groups.get(name)
    if (other === undefined) {
      other = emptyGroup(OTHER, OTHER, '', kind, false)
      this.#groups.set(name, other)
    }
    return other
  }

  #cellOf(group: ErrorGroup, route: string | undefined): number {
    let byRoute = this.#numbers.get(group)
    if (byRoute === undefined) {
      byRoute = new Map()
      this.#numbers.set(group, byRoute)
    }
    const known = byRoute.get(route)
    if (known !== undefined) return known
    // A group always has a cell without a route.
    if (route !== undefined && this.#cells.length >= CELLS_MAX) return this.#cellOf(group, undefined)
    const number = this.#cells.length
    this.#cells.push({ group, route })
    byRoute.set(route, number)
    return number
  }
}

/** Returns the name of the group of further errors. A group of a service has more parts, whatever the service is called. */
function otherName(kind: Kind): string {
  return `${OTHER}\u0000${kind}`
}

/** Returns an error with other ids. */
function withIds(error: LoggedError, { traceId, spanId }: Pick<LoggedError, 'traceId' | 'spanId'>): LoggedError {
  return error.traceId === traceId && error.spanId === spanId ? error : { ...error, traceId, spanId }
}

function emptyGroup(service: string, code: string, template: string, kind: Kind, isHidden: boolean): ErrorGroup {
  const times = { firstAt: Number.POSITIVE_INFINITY, lastAt: Number.NEGATIVE_INFINITY }
  return { service, code, template, kind, isHidden, ...times, examples: new Latest(EXAMPLES_MAX) }
}
