import { type FamilyFacts, sampleName } from './definitions.ts'
import type { Family, Sample } from './families.ts'
import { Histogram } from './histogram.ts'
import { boundText, helpText, labelText, numberText, type TextFormat } from './text.ts'

/** Writes families as text, sorted by name. Families without series are left out. */
export function writeFamilies(families: readonly Family<Sample | Histogram>[], format: TextFormat): string {
  const lines: string[] = []
  const byName = [...families].sort((a, b) => (a.facts.name < b.facts.name ? -1 : 1))
  for (const family of byName) {
    const entries = family.entries()
    if (entries.length === 0) continue
    writeHead(lines, family.facts, format)
    const name = sampleName(family.facts)
    for (const { text, series } of entries) {
      if (series instanceof Histogram) writeHistogram(lines, name, text, series, format)
      else lines.push(`${name}${text === '' ? '' : `{${text}}`} ${numberText(series.value)}`)
    }
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}${lines.length === 0 ? '' : '\n'}`
}

function writeHead(lines: string[], facts: FamilyFacts, format: TextFormat): void {
  // Prometheus' own format names a metric by its samples, OpenMetrics without `_total` and `_info`.
  const name = format === 'prometheus' ? sampleName(facts) : facts.name
  // Prometheus' own format has no type for facts.
  const type = format === 'prometheus' && facts.type === 'info' ? 'gauge' : facts.type
  lines.push(`# HELP ${name} ${helpText(facts.help, format)}`, `# TYPE ${name} ${type}`)
  if (format === 'openmetrics' && facts.unit !== undefined) lines.push(`# UNIT ${name} ${facts.unit}`)
}

function writeHistogram(lines: string[], name: string, labels: string, histogram: Histogram, format: TextFormat): void {
  const before = labels === '' ? '' : `${labels},`
  let count = 0
  for (let index = 0; index < histogram.counts.length; index += 1) {
    count += histogram.counts[index] as number
    const le = boundText(histogram.bounds[index] ?? Number.POSITIVE_INFINITY, format)
    const exemplar = format === 'openmetrics' ? exemplarText(histogram, index) : ''
    lines.push(`${name}_bucket{${before}le="${le}"} ${count}${exemplar}`)
  }
  const all = labels === '' ? '' : `{${labels}}`
  lines.push(`${name}_sum${all} ${numberText(histogram.sum)}`, `${name}_count${all} ${count}`)
}

function exemplarText(histogram: Histogram, index: number): string {
  const exemplar = histogram.exemplars[index]
  if (exemplar === undefined) return ''
  const { traceId, value, atMs } = exemplar
  return ` # {${labelText(['trace_id'], [traceId])}} ${numberText(value)} ${(atMs / 1_000).toFixed(3)}`
}
