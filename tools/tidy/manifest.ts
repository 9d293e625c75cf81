import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

const LISTS = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies'] as const

/** The manifest of the library, as far as rules read it. */
export interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Reads a `package.json`. */
export function manifestOf(file: SourceFile): Manifest {
  return JSON.parse(file.text) as Manifest
}

/** What the library would make its users install. */
export function dependenciesOf(file: SourceFile): Finding[] {
  const manifest = JSON.parse(file.text) as Record<string, unknown>
  return LISTS.flatMap((list) => {
    const value = manifest[list] ?? []
    const names = Array.isArray(value) ? value : Object.keys(value as object)
    return names.map((name) => ({ file: file.path, problem: `${list}: ${name}; the library has no dependencies` }))
  })
}
