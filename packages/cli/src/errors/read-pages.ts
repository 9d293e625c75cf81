// Runs in a separate process: loads the modules that its argument names, and sends the pages of their errors to its parent.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { reply } from '../modules/reply.ts'

/** What the process reads; its argument as JSON. */
export interface ToRead {
  readonly files: readonly string[]
  readonly format: string
  readonly library: boolean
  /** The name of the service, if the modules export a catalogue and no contract. */
  readonly service: string
}

/** What the process sends. */
export interface PagesRead {
  /** Undefined if the modules export neither a contract nor a catalogue. */
  readonly pages: readonly { readonly name: string; readonly text: string }[] | undefined
  readonly service: string
}

type Catalogue = Readonly<Record<string, unknown>>
interface Contract {
  readonly service: string
}

const DEPTH_MAX = 4
const VALUES_MAX = 10_000

async function read({ files, format, library, service }: ToRead): Promise<PagesRead> {
  const found = new Found()
  for (const file of files) found.add((await import(pathToFileURL(file).href)) as object)
  // From the module's folder: a service and this package may use different copies of the library.
  const { resolve } = createRequire(files[0] as string)
  const load = async (name: string) => await import(pathToFileURL(resolve(name)).href)
  const { errorPages } = await load('escudo/openapi')
  const { createErrorContract } = await load('escudo/errors')
  const { contract = found.hasEntries ? createErrorContract({ service, errors: found.entries }) : undefined } = found
  if (contract === undefined) return { pages: undefined, service }
  return { pages: errorPages({ contract, format, library }), service: contract.service }
}

/** The contract and the catalogue entries among the exports of modules, recognised by their members. */
class Found {
  contract: Contract | undefined
  readonly entries: Record<string, unknown> = {}
  readonly #seen = new Set<unknown>()

  get hasEntries(): boolean {
    return Object.keys(this.entries).length > 0
  }

  add(namespace: object): void {
    for (const [name, value] of entriesOf(namespace)) this.#visit(name, value, 1)
  }

  #visit(name: string, value: unknown, depth: number): void {
    try {
      this.#recognise(name, value, depth)
    } catch {
      // A getter or a proxy threw, such as one for settings that refuses unknown names.
    }
  }

  #recognise(name: string, value: unknown, depth: number): void {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
    if (this.#seen.has(value) || this.#seen.size >= VALUES_MAX) return
    this.#seen.add(value)
    if (isContract(value)) this.contract ??= value
    else if (isEntry(value)) this.entries[name] ??= value
    else if (depth < DEPTH_MAX && isContainer(value)) {
      for (const [key, inner] of entriesOf(value)) this.#visit(key, inner, depth + 1)
    }
  }
}

function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.keys(value).flatMap((key) => {
    try {
      return [[key, (value as Catalogue)[key]] as const]
    } catch {
      // A getter threw.
      return []
    }
  })
}

function isContainer(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isContract(value: object): value is Contract {
  const { service, errors, translate } = value as Catalogue
  return typeof service === 'string' && typeof errors === 'object' && typeof translate === 'function'
}

function isEntry(value: object): boolean {
  const { code, status, definition } = value as Catalogue
  return (
    typeof value === 'function' && typeof code === 'string' && typeof status === 'number' && definition !== undefined
  )
}

// At the end, when the class exists.
await reply((toRead: ToRead) => read(toRead))
