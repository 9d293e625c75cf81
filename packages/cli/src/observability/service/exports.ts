import type { CatalogueEntry } from './service.ts'

/** What the exports of the modules contain. */
export interface Exported {
  /** The name of the first error contract. */
  readonly service?: string
  readonly errors: readonly CatalogueEntry[]
  readonly shields: readonly {
    readonly name: string
    readonly policies: readonly { readonly name: string; readonly type: string }[]
  }[]
}

// Large data that a module exports must not take long.
const VALUES_MAX = 10_000
const DEPTH_MAX = 4

/**
 * Finds catalogues, error contracts and shields among the exports, also inside plain objects and arrays.
 *
 * They are recognised by their members: the modules may use a copy of the library that this package cannot import.
 */
export function exportedBy(namespaces: readonly object[]): Exported {
  const errors = new Map<unknown, CatalogueEntry>()
  const shields = new Map<unknown, Exported['shields'][number]>()
  const seen = new Set<unknown>()
  let service: string | undefined

  const visit = (value: unknown, depth: number): void => {
    try {
      recognise(value, depth)
    } catch {
      // A getter or a proxy threw.
    }
  }
  const recognise = (value: unknown, depth: number): void => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
    if (seen.has(value) || seen.size >= VALUES_MAX) return
    seen.add(value)
    const entry = entryOf(value)
    if (entry !== undefined) {
      errors.set(value, entry)
      return
    }
    const shield = shieldOf(value)
    if (shield !== undefined) {
      shields.set(value, shield)
      return
    }
    if (isContract(value)) {
      service ??= value.service
      visit(value.errors, depth)
      return
    }
    if (depth < DEPTH_MAX && isContainer(value)) for (const inner of valuesOf(value)) visit(inner, depth + 1)
  }
  for (const namespace of namespaces) for (const value of valuesOf(namespace)) visit(value, 1)
  return {
    ...(service === undefined ? {} : { service }),
    errors: [...errors.values()],
    shields: [...shields.values()],
  }
}

function valuesOf(value: object): readonly unknown[] {
  return Object.keys(value).flatMap((key) => {
    try {
      return [(value as Record<string, unknown>)[key]]
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

function entryOf(value: unknown): CatalogueEntry | undefined {
  if (typeof value !== 'function') return undefined
  const { name, code, status, kind, definition } = value as unknown as Record<string, unknown>
  if (typeof code !== 'string' || typeof status !== 'number' || typeof kind !== 'string') return undefined
  if (typeof definition !== 'object' || definition === null) return undefined
  const { message } = definition as { message?: string | { en?: string; es?: string } }
  const text = typeof message === 'string' ? message : (message?.en ?? message?.es ?? '')
  return { name: String(name), code, status, kind, message: text }
}

function isContract(value: unknown): value is { readonly service: string; readonly errors: unknown } {
  const { service, errors, translate } = value as Record<string, unknown>
  return typeof service === 'string' && typeof errors === 'object' && typeof translate === 'function'
}

function shieldOf(value: unknown): Exported['shields'][number] | undefined {
  const { name, run, wrap, status } = value as Record<string, unknown>
  if (typeof name !== 'string' || typeof status !== 'function') return undefined
  if (typeof run !== 'function' || typeof wrap !== 'function') return undefined
  try {
    const { policies } = status.call(value) as { policies: { name: string; type: string }[] }
    return { name, policies: policies.map(({ name, type }) => ({ name, type })) }
  } catch {
    // The status of a custom policy threw. The metrics still show the shield.
    return undefined
  }
}
