// Setup of the metrics tests: a strict reader of Prometheus' text, which shares no code with the writer.

/** One sample line of a scrape. */
export interface ScrapedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar: { readonly labels: Readonly<Record<string, string>>; readonly value: number } | undefined
}

/** A parsed scrape. */
export interface Scrape {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly ScrapedSample[]
  /** The sum of all samples whose labels include these; undefined if there are none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

/** Parses a scrape. Throws if the text is not exactly in the format. */
export function readScrape(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the text must end with a newline')
  const types = new Map<string, string>()
  const samples: ScrapedSample[] = []
  const seen = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '# EOF') continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      const [, name, kind] = type as unknown as [string, string, string]
      if (types.has(name)) throw new Error(`duplicate family ${name}`)
      types.set(name, kind)
    } else if (!/^# (HELP|UNIT) \S+ \S/.test(line)) {
      const sample = new LineReader(line).sample()
      const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (seen.has(identity)) throw new Error(`duplicate series: ${line}`)
      seen.add(identity)
      samples.push(sample)
    }
  }
  const sum: Scrape['sum'] = (name, labels = {}) => {
    const matching = samples.filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    return matching.length === 0 ? undefined : matching.reduce((total, { value }) => total + value, 0)
  }
  return { types, samples, sum }
}

/**
 * Throws unless every histogram of a scrape is consistent: bounds ascend, counts never decrease, the last bucket is
 * `+Inf` and equals the count, and there is a sum.
 *
 * @returns the number of histogram series
 */
export function checkHistograms({ types, samples, sum }: Scrape): number {
  let series = 0
  for (const [name] of [...types].filter(([, type]) => type === 'histogram')) {
    for (const { labels, value: count } of samples.filter((sample) => sample.name === `${name}_count`)) {
      series += 1
      const buckets = samples.filter(
        (sample) => sample.name === `${name}_bucket` && equalExcept(sample.labels, labels, 'le'),
      )
      const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
      const rises = (values: readonly number[], strictly: boolean): boolean =>
        values.every(
          (value, index) =>
            index === 0 || value > Number(values[index - 1]) || (!strictly && value === values[index - 1]),
        )
      if (bounds.at(-1) !== Number.POSITIVE_INFINITY || !rises(bounds, true))
        throw new Error(`${name}: bounds ${bounds}`)
      const counts = buckets.map(({ value }) => value)
      if (!rises(counts, false) || counts.at(-1) !== count)
        throw new Error(`${name}: ${counts} and a count of ${count}`)
      if (sum(`${name}_sum`, labels) === undefined) throw new Error(`${name} has no sum`)
    }
  }
  return series
}

function equalExcept(a: ScrapedSample['labels'], b: ScrapedSample['labels'], key: string): boolean {
  const rest = Object.keys(a).filter((name) => name !== key)
  return rest.length === Object.keys(b).length && rest.every((name) => a[name] === b[name])
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n' }

class LineReader {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
  }

  sample(): ScrapedSample {
    const name = this.#take(/[a-zA-Z_:][a-zA-Z0-9_:]*/y)
    const labels = this.#labels()
    this.#take(/ /y)
    const value = this.#number()
    let exemplar: ScrapedSample['exemplar']
    if (this.#line.startsWith(' # ', this.#at)) {
      this.#at += 3
      const exemplarLabels = this.#labels()
      this.#take(/ /y)
      exemplar = { labels: exemplarLabels, value: this.#number() }
      this.#take(/ \d+\.\d{3}/y)
    }
    if (this.#at !== this.#line.length) throw new Error(`unexpected '${this.#line.slice(this.#at)}' in: ${this.#line}`)
    return { name, labels, value, exemplar }
  }

  #labels(): Readonly<Record<string, string>> {
    const labels: Record<string, string> = {}
    if (this.#line[this.#at] !== '{') return labels
    this.#at += 1
    while (true) {
      const name = this.#take(/[a-zA-Z_][a-zA-Z0-9_]*/y)
      if (Object.hasOwn(labels, name)) throw new Error(`duplicate label ${name}: ${this.#line}`)
      const quoted = this.#take(/="(?:[^"\\\n]|\\[\\"n])*"/y)
      labels[name] = quoted.slice(2, -1).replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] as string)
      if (this.#take(/[,}]/y) === '}') return labels
    }
  }

  #number(): number {
    const text = this.#take(/[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/y)
    return text.endsWith('Inf') ? (text[0] === '-' ? -1 : 1) * Number.POSITIVE_INFINITY : Number(text)
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#line)?.[0]
    if (found === undefined) throw new Error(`expected ${pattern} at ${this.#at} of: ${this.#line}`)
    this.#at += found.length
    return found
  }
}
