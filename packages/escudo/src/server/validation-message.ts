import { read } from '../errors/safe-read.ts'
import type { SchemaIssue } from '../errors/standard-schema.ts'

const INVALID = 'Invalid value'
const UNKNOWN_KEY = 'Unknown key'

// Issues about a key that the schema does not declare: of zod, and of Valibot's strict objects. Messages name the key.
const UNKNOWN_KEY_CODES: readonly unknown[] = ['unrecognized_keys', 'strict_object']

/** How much of a rejected value is compared with its message. A larger one gets the generic message. */
const CHARACTERS_MAX = 8_192
/** How much of the other values is compared. A client can send a large body and 50 faults with each request. */
const CHARACTERS_MAX_OTHERS = 16_384
const DEPTH_MAX = 16
const MESSAGE_LENGTH_MAX = 1_024

// What a message has in common with a value by chance is shorter. Other values of the request are less likely quoted.
const EXCERPT_LENGTH = 8
const EXCERPT_LENGTH_OTHERS = 12
const LENGTH_MIN_OTHERS = 6
// Words of the default messages that are often values too: `{"type":"string"}`.
const TYPE_NAMES: readonly string[] = ['string', 'number', 'integer', 'boolean', 'object', 'undefined']

/** The texts in a value, and whether they are not all. */
interface Texts {
  readonly found: readonly string[]
  readonly isTruncated: boolean
}

/** Makes the messages of findings in one part of a request, without anything of the values in it. */
export class ValueFreeMessages {
  readonly #part: unknown
  #excerpts: ReadonlySet<string> | undefined
  #last: { readonly rejected: unknown; readonly texts: Texts } | undefined

  constructor(part: unknown) {
    this.#part = part
  }

  /**
   * The message of an issue.
   *
   * The default messages of ArkType and Valibot quote the value. They are replaced by what the schema expects. Any other
   * message is kept if it has nothing in common with the values; developers write such messages for people.
   */
  of(issue: SchemaIssue, rejected: unknown): string {
    const isUnknownKey = UNKNOWN_KEY_CODES.includes(read(issue, 'code') ?? read(issue, 'type'))
    if (isUnknownKey || read(issue, 'expected') === 'removed') return UNKNOWN_KEY
    const texts = this.#textsOfRejected(rejected)
    if (texts.isTruncated) return INVALID
    const isFree = (text: string | undefined): text is string =>
      text !== undefined && text !== '' && !quotes(text, texts.found) && !this.#quotesAnother(text)
    return [withoutQuote(issue), expectationOf(issue)].find(isFree) ?? INVALID
  }

  /** Several findings often reject the same object. */
  #textsOfRejected(rejected: unknown): Texts {
    if (this.#last === undefined || this.#last.rejected !== rejected) {
      this.#last = { rejected, texts: textsOf(rejected, CHARACTERS_MAX) }
    }
    return this.#last.texts
  }

  #quotesAnother(message: string): boolean {
    this.#excerpts ??= new Set(textsOf(this.#part, CHARACTERS_MAX_OTHERS).found.flatMap(excerptsOfAnother))
    const known = this.#excerpts
    const plain = withoutMarks(message)
    for (let length = LENGTH_MIN_OTHERS; length <= EXCERPT_LENGTH_OTHERS; length += 1) {
      if (excerpts(plain, length).some((excerpt) => known.has(excerpt))) return true
    }
    return false
  }
}

function excerptsOfAnother(text: string): readonly string[] {
  if (text.length >= EXCERPT_LENGTH_OTHERS) return excerpts(text, EXCERPT_LENGTH_OTHERS)
  return text.length < LENGTH_MIN_OTHERS || TYPE_NAMES.includes(text) ? [] : [text]
}

/** The message without what it says about the received value. Undefined if nothing can be kept. */
function withoutQuote(issue: SchemaIssue): string | undefined {
  const message = String(read(issue, 'message')).slice(0, MESSAGE_LENGTH_MAX)
  // Valibot.
  const received = read(issue, 'received')
  const isDefault = typeof received === 'string' && message.toLowerCase().endsWith(`received ${received.toLowerCase()}`)
  if (isDefault) return undefined
  // ArkType. The message for a union of objects has several quotations.
  const actual = read(issue, 'actual')
  if (typeof actual !== 'string') return message
  const end = ` (was ${actual})`
  const kept = message.endsWith(end) ? message.slice(0, -end.length) : message
  return kept.includes('(was ') ? undefined : kept
}

/** What the schema expects, in the words of its library. */
function expectationOf(issue: SchemaIssue): string | undefined {
  const expected = read(issue, 'expected')
  if (typeof expected !== 'string' || expected === '' || expected.includes('(was ')) return undefined
  return `Expected ${expected.slice(0, MESSAGE_LENGTH_MAX).replaceAll(/\s+/g, ' ').trim()}`
}

/** The texts in a value, in the forms in which a message can quote them. The names of keys are no values. */
function textsOf(value: unknown, charactersMax: number): Texts {
  const found: string[] = []
  let characters = 0
  const add = (text: string): void => {
    characters += text.length + 1
    const forms = new Set([text, JSON.stringify(text).slice(1, -1)].map(withoutMarks))
    for (const form of forms) if (form !== '') found.push(form)
  }
  const collect = (item: unknown, depth: number): boolean => {
    if (depth > DEPTH_MAX || characters > charactersMax) return false
    if (typeof item === 'string') add(item.slice(0, charactersMax))
    else if (typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean') add(String(item))
    if (typeof item !== 'object' || item === null) return characters <= charactersMax
    return Object.keys(item).every((key) => collect(read(item, key), depth + 1))
  }
  const isComplete = collect(value, 0)
  return { found, isTruncated: !isComplete }
}

function quotes(message: string, texts: readonly string[]): boolean {
  const plain = withoutMarks(message)
  // A library can shorten the value or change its end.
  const known = new Set(excerpts(plain, EXCERPT_LENGTH))
  return texts.some(
    (text) => hasWord(plain, text) || excerpts(text, EXCERPT_LENGTH).some((excerpt) => known.has(excerpt)),
  )
}

/** All parts of a text with a length. */
function excerpts(text: string, length: number): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length))
}

/** Whether a text occurs, and not inside another word: a short value can be a part of one by chance. */
function hasWord(message: string, text: string): boolean {
  const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}_]/u.test(character)
  for (let at = message.indexOf(text); at !== -1; at = message.indexOf(text, at + 1)) {
    if (text.length >= EXCERPT_LENGTH || !(isWord(message[at - 1]) || isWord(message[at + text.length]))) return true
  }
  return false
}

/** Without case, quotation marks, escapes and spaces: libraries quote values in different ways. */
function withoutMarks(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/["'`\\]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
