import { isHealthCheck } from '../../counts/watch/health-check.ts'
import { instanceOf } from '../formats/line-of.ts'
import { levelOf } from '../log-level.ts'
import type { LogLine } from '../log-line.ts'
import { routeOf } from '../route-of.ts'
import { ByteNames, type Name } from './byte-names.ts'

/** The most names of each kind. Lines with further ones are left to the general reader. */
const SERVICES_MAX = 1_000
const ROUTES_MAX = 4_000
const PATHS_MAX = 4_096
const INSTANCES_MAX = 4_000
const LEVELS_MAX = 100
const CODES_MAX = 500
/** A longer code is shortened by the general reader. */
const CODE_BYTES_MAX = 100
const SERVICE_BYTES_MAX = 200
const PIDS = 2 ** 32 + 1

/** A list of distinct texts, numbered from 1. */
export class NameList {
  readonly #max: number
  readonly #numbers = new Map<string, number>()
  /** The texts; the first one has the number 1. */
  readonly texts: string[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Returns the number of a text; 0 if there is no room. */
  number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (this.texts.length >= this.#max) return 0
    // A copy: a slice would keep the whole original string in memory.
    const copy = Buffer.from(text).toString()
    this.texts.push(copy)
    this.#numbers.set(copy, this.texts.length)
    return this.texts.length
  }
}

/** The names in the rows of a scanner. */
export class ScanNames {
  readonly services = new NameList(SERVICES_MAX)
  /** Routes as `routeOf` returns them. */
  readonly routes = new NameList(ROUTES_MAX)
  readonly instances = new NameList(INSTANCES_MAX)
  readonly codes = new NameList(CODES_MAX)
  readonly #serviceBytes = new ByteNames(SERVICES_MAX)
  readonly #routeBytes = new ByteNames(PATHS_MAX)
  readonly #pathBytes = new ByteNames(PATHS_MAX)
  readonly #instanceBytes = new ByteNames(INSTANCES_MAX)
  readonly #levelBytes = new ByteNames(LEVELS_MAX)
  readonly #codeBytes = new ByteNames(CODES_MAX)
  // By the number of the bytes. A route is negative if requests for it are health checks.
  readonly #services: number[] = [0]
  readonly #routes: number[] = [0]
  readonly #paths: number[] = [0]
  readonly #instanceTexts: string[] = ['']
  readonly #isCritical: boolean[] = [false]
  readonly #byProcess = new Map<number, number>()
  #lastProcess = -1
  #lastInstance = 0

  /** Returns the number of a service; 0 if there is no room. */
  service(bytes: Buffer, view: DataView, name: Name): number {
    const known = this.#serviceBytes.find(view, name)
    if (known !== 0) return this.#services[known] ?? 0
    if (name.end - name.start > SERVICE_BYTES_MAX) return 0
    const number = this.services.number(bytes.toString('latin1', name.start, name.end))
    const added = this.#serviceBytes.add(view, name)
    if (added !== 0) this.#services[added] = number
    return number
  }

  /** Returns the number of an error code; 0 if there is no room. */
  code(bytes: Buffer, view: DataView, name: Name): number {
    const known = this.#codeBytes.find(view, name)
    if (known !== 0) return known
    if (name.end - name.start > CODE_BYTES_MAX || this.#codeBytes.add(view, name) === 0) return 0
    return this.codes.number(bytes.toString('latin1', name.start, name.end))
  }

  /** Returns the number of a route; negative for a health check, 0 if there is no room. */
  route(bytes: Buffer, view: DataView, name: Name): number {
    return this.#target(this.#routeBytes, this.#routes, bytes, view, name, 'route')
  }

  /** Returns the number of the route of a path; negative for a health check, 0 if there is no room. */
  path(bytes: Buffer, view: DataView, name: Name): number {
    return this.#target(this.#pathBytes, this.#paths, bytes, view, name, 'path')
  }

  /** Returns the number of an `instance` or a host; 0 if there is no room. */
  instanceText(bytes: Buffer, view: DataView, name: Name): number {
    const known = this.#instanceBytes.find(view, name)
    if (known !== 0) return known
    const added = this.#instanceBytes.add(view, name)
    if (added !== 0) this.#instanceTexts[added] = bytes.toString('latin1', name.start, name.end)
    return added
  }

  /**
   * Returns the number of a process; 0 if there is no room.
   *
   * @param instance the number of its `instance`, 0 for none
   * @param host the number of its host, 0 for none
   * @param pid -1 for none
   */
  instance(instance: number, host: number, pid: number): number {
    // A host counts only without an `instance`.
    const process = (instance === 0 ? host : INSTANCES_MAX + instance) * PIDS + pid + 1
    if (process === this.#lastProcess) return this.#lastInstance
    let number = this.#byProcess.get(process)
    if (number === undefined) {
      const fields = {
        ...(instance === 0 ? {} : { instance: this.#instanceTexts[instance] }),
        ...(host === 0 ? {} : { hostname: this.#instanceTexts[host] }),
      }
      const text = instanceOf(fields, pid === -1 ? undefined : pid)
      number = text === undefined ? 0 : this.instances.number(text)
      if (number !== 0 && this.#byProcess.size < INSTANCES_MAX) this.#byProcess.set(process, number)
    }
    this.#lastProcess = process
    this.#lastInstance = number
    return number
  }

  /** Whether a level is critical; undefined if it cannot be told. */
  isCritical(bytes: Buffer, view: DataView, name: Name): boolean | undefined {
    const known = this.#levelBytes.find(view, name)
    if (known !== 0) return this.#isCritical[known]
    const added = this.#levelBytes.add(view, name)
    if (added === 0) return undefined
    const isCritical = levelOf(bytes.toString('latin1', name.start, name.end)) === 'critical'
    this.#isCritical[added] = isCritical
    return isCritical
  }

  #target(
    names: ByteNames,
    numbers: number[],
    bytes: Buffer,
    view: DataView,
    name: Name,
    as: 'route' | 'path',
  ): number {
    const known = names.find(view, name)
    if (known !== 0) return numbers[known] ?? 0
    const text = bytes.toString('latin1', name.start, name.end)
    const route = routeOf({ [as]: text } as unknown as LogLine)
    const number = route === undefined ? 0 : this.routes.number(route)
    const signed = isHealthCheck(text) ? -number : number
    // Paths with ids are many: only the newest ones are remembered.
    if (names.isFull) names.clear()
    const added = names.add(view, name)
    if (added !== 0) numbers[added] = signed
    return signed
  }
}
