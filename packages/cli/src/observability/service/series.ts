import type { Series } from './service.ts'

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** Reads the series of shields from Prometheus' text format. */
export function shieldSeries(text: string): readonly Series[] {
  return text.split('\n').flatMap((line) => {
    const [, metric, pairs = ''] = LINE.exec(line) ?? []
    if (metric === undefined) return []
    const labels = Object.fromEntries(
      [...pairs.matchAll(LABEL)].map(([, name, value]) => [name as string, unescaped(value as string)]),
    )
    return labels['escudo_shield'] === undefined ? [] : [{ metric, labels }]
  })
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}
