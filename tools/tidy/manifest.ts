import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

const LISTS = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies'] as const

/** The fields of the library's `package.json` that rules read. */
export interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Parses a `package.json`. */
export function manifestOf(file: SourceFile): Manifest {
  return JSON.parse(file.text) as Manifest
}

/** Finds dependencies that installing the library would also install. */
export function dependenciesOf(file: SourceFile): Finding[] {
  const manifest = JSON.parse(file.text) as Record<string, unknown>
  return LISTS.flatMap((list) => {
    const value = manifest[list] ?? []
    const names = Array.isArray(value) ? value : Object.keys(value as object)
    return names.map((name) => ({
      file: file.path,
      problem: `${list}: ${name}; the library must have no dependencies`,
    }))
  })
}
