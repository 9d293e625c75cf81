import { fold, levelRank, type Operator, type Term } from './query.ts'

/** A line that a query is compared with. */
export interface Subject {
  /** Milliseconds since 1970; undefined for a line without a time. */
  readonly at: number | undefined
  /** Whether its long values end with `…`. */
  readonly isShortened: boolean
  /** Whether a folded text is anywhere in its values. */
  readonly hasText: (text: string) => boolean
  /** Returns the values of a field by its canonical name, or by its name in lower case. */
  readonly values: (name: string) => readonly unknown[]
}

/** A message in the live tail has at least so many characters before it is shortened. */
const TEXT_CHARACTERS = 200

/** Whether a line matches all terms of a query. */
export function matches(line: Subject, terms: readonly Term[]): boolean {
  return terms.every((term) => isTrue(line, term) !== term.isNegated)
}

function isTrue(line: Subject, term: Term): boolean {
  const { name, value, number } = term
  if (name === undefined) return line.hasText(value)
  if (name === 'from') return line.at !== undefined && line.at >= number
  if (name === 'to') return line.at !== undefined && line.at < number
  return line.values(name).some((found) => hasValue(found, term, line.isShortened))
}

function hasValue(found: unknown, { name, operator, value, number }: Term, isShortened: boolean): boolean {
  if (found === undefined || found === null || found === '') return false
  const text = fold(String(found))
  if (operator === '^') return text.startsWith(value)
  if (operator !== ':' && operator !== '=')
    return name === 'level'
      ? levelRank(text) !== -1 && compared(levelRank(text), operator, levelRank(value))
      : compared(Number(found), operator, number)
  if (name === 'text') return text.includes(isShortened ? value.slice(0, TEXT_CHARACTERS) : value)
  if (name === 'latency') return found === number
  if (name === 'status' && value.endsWith('xx')) return text[0] === value[0]
  return text === value || (isShortened && text.endsWith('…') && value.startsWith(text.slice(0, -1)))
}

function compared(found: number, operator: Operator, number: number): boolean {
  if (operator === '>') return found > number
  if (operator === '>=') return found >= number
  return operator === '<' ? found < number : found <= number
}
