import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

const LISTS = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies'] as const

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
