import { fold, LEVELS, type Term } from './query.ts'

const NEEDLE_CHARACTERS_MIN = 2
/** A longer number in JSON loses digits when it is read. */
const LONG_NUMBER = /^\d{16,}$/
/** Fields whose value is in the line only in other words, if at all. */
const DERIVED: ReadonlySet<string> = new Set(['level', 'latency', 'route', 'path', 'from', 'to'])
/**
 * What hides text from a search in bytes: escaped characters, colours, journald's messages as numbers, and the dash that a
 * load balancer of AWS writes for a status of 502.
 */
const HIDING: readonly string[] = ['\\u', '\u001B', '"MESSAGE":[', '"MESSAGE" : [', ' -1 - ']
const ESCAPED = HIDING.map(escapedText).join('|')

/** Finds the lines that may match a query, in the bytes of a block, before any line is parsed. */
export class Needles {
  readonly #first: string
  readonly #others: readonly RegExp[]

  private constructor(needles: readonly string[]) {
    const [first = '', ...others] = needles
    this.#first = first
    this.#others = others.map((needle) => new RegExp(needle, 'i'))
  }

  /**
   * Returns the needles of a query for a file; undefined if any line may match.
   *
   * `service` is the one of lines that name none: text in it is in no line.
   */
  static of(terms: readonly Term[], service: string): Needles | undefined {
    const folded = fold(service)
    const literals = terms.flatMap((term) => literalOf(term, folded) ?? []).sort((a, b) => b.length - a.length)
    const needles = [...literals.map(escapedText), ...terms.flatMap((term) => statusPattern(term) ?? [])]
    return needles.length === 0 ? undefined : new Needles(needles)
  }

  /** Returns the start and the end of each line that may match, one after the other. `text` has one character per byte. */
  linesIn(text: string): readonly number[] {
    const mayHide = HIDING.some((hiding) => text.includes(hiding))
    const first = new RegExp(mayHide ? `${this.#first}|${ESCAPED}` : this.#first, 'gi')
    const hiding = mayHide ? new RegExp(ESCAPED, 'i') : undefined
    const found: number[] = []
    for (let match = first.exec(text); match !== null; match = first.exec(text)) {
      const start = text.lastIndexOf('\n', match.index) + 1
      const next = text.indexOf('\n', match.index)
      const end = next === -1 ? text.length : next
      first.lastIndex = end + 1
      if (this.#others.length > 0) {
        const line = text.slice(start, end)
        if (!this.#others.every((other) => other.test(line)) && hiding?.test(line) !== true) continue
      }
      found.push(start, end)
    }
    return found
  }
}

/** The longest part of a term that is in the bytes of each line with it; undefined if there is none. */
function literalOf({ name, operator, value, isNegated }: Term, service: string): string | undefined {
  if (isNegated || (operator !== ':' && operator !== '=' && operator !== '^')) return undefined
  if (name !== undefined && DERIVED.has(name)) return undefined
  // A word within the name of a level matches it, whatever the line writes for it.
  if (name === undefined && (service.includes(value) || LEVELS.some((level) => level.includes(value)))) return undefined
  if (name === 'service' && (operator === '^' ? service.startsWith(value) : service === value)) return undefined
  if ((name === 'status' && value.endsWith('xx')) || LONG_NUMBER.test(value)) return undefined
  // JSON escapes quotes, backslashes and slashes; a space may join two fields; letters outside ASCII have two cases.
  const parts = value.split(/[^\x21-\x7e]|["\\/]/)
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best), '')
  return longest.length < NEEDLE_CHARACTERS_MIN ? undefined : longest
}

/** The statuses that a term allows, as they are written. */
function statusPattern({ name, operator, value, number, isNegated }: Term): string | undefined {
  if (name !== 'status' || isNegated || operator === '=' || operator === '^') return undefined
  const isAllowed = (first: number): boolean => {
    const [lowest, highest] = [first * 100, first * 100 + 99]
    if (operator === ':') return value.startsWith(String(first))
    return operator.startsWith('>') ? highest >= number : lowest <= number
  }
  const firsts = [1, 2, 3, 4, 5].filter(isAllowed).join('')
  return firsts === '12345' || firsts === '' ? undefined : `(?<!\\d)[${firsts}]\\d\\d(?!\\d)`
}

function escapedText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
