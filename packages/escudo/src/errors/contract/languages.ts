import type { AnyCatalogue, ErrorDefinition, Messages } from '../catalogue/definition.ts'
import type { WellKnownCode } from '../catalogue/well-known.ts'

/** Messages of the library's own errors, by language and code: `{ fr: { CIRCUIT_OPEN: '…' } }`. */
export interface WellKnownMessages {
  readonly [language: string]: { readonly [Code in WellKnownCode]?: string } & { readonly [code: string]: string }
}

/** The languages in which the library's own errors have messages. */
const BUILT_IN = ['es', 'en']

/** The languages of a contract. */
export interface Languages {
  /** If the client requests no available language. */
  readonly fallback: string
  readonly available: readonly string[]
}

/**
 * Finds the languages of a contract: those of its catalogue, and those that options add.
 *
 * A catalogue in one language answers in that language alone: a client that gets its errors in English and the library's
 * in Spanish would be confused. Without an entry, all languages of the library's errors count.
 *
 * @param locale the option `locale`, if it was given
 */
export function languagesOf(errors: AnyCatalogue, locale: string | undefined, messages: WellKnownMessages): Languages {
  const ofCatalogue = new Set<string>()
  let hasPlain = false
  for (const { definition } of Object.values(errors)) {
    if (typeof definition.message === 'string') hasPlain = true
    else for (const language of Object.keys(definition.message)) ofCatalogue.add(language)
  }
  const isEmpty = ofCatalogue.size === 0 && !hasPlain
  const available = new Set([...ofCatalogue, ...(isEmpty ? BUILT_IN : []), ...Object.keys(messages)])
  const fallback = locale ?? (available.size === 0 || available.has('en') ? 'en' : ([...available][0] as string))
  return { fallback, available: [...new Set([fallback, ...available])] }
}

/** The message of a definition, with the texts that the option `messages` has for its code. */
export function messagesOf(definition: ErrorDefinition, code: string, messages: WellKnownMessages): Messages {
  const { message } = definition
  if (typeof message === 'string') return message
  const added = Object.entries(messages).flatMap(([language, texts]) => {
    const text = Object.hasOwn(texts, code) ? texts[code] : undefined
    return text === undefined ? [] : [[language, text]]
  })
  return added.length === 0 ? message : { ...message, ...Object.fromEntries(added) }
}
