import { hasExample } from './doc-comment.ts'
import type { Finding } from './finding.ts'
import type { PublicSurface } from './public-surface.ts'
import { lineOf } from './source-file.ts'

/** Finds public names without a doc comment and public functions or classes without an example. */
export function undocumented({ names, unresolved }: PublicSurface): Finding[] {
  // A name that two subpaths export is reported once.
  const seen = new Set<string>()
  const findings: Finding[] = unresolved.map(({ name, subpath, path }) => ({
    file: path,
    problem: `'${name}' of '${subpath}' has no declaration`,
  }))
  for (const { name, subpath, file, start, kind, docs } of names) {
    const place = `${file.path} ${start} ${name}`
    if (seen.has(place)) continue
    seen.add(place)
    const at = { file: file.path, line: lineOf(file, start) }
    if (docs.every((doc) => doc === ''))
      findings.push({ ...at, problem: `'${name}' of '${subpath}' has no doc comment` })
    else if ((kind === 'function' || kind === 'class') && !docs.some(hasExample)) {
      findings.push({ ...at, problem: `the ${kind} '${name}' of '${subpath}' has no @example with a ts block` })
    }
  }
  return findings
}
