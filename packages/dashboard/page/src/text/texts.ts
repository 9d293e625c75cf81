import { en } from './english.ts'
import { es, type Texts } from './spanish.ts'

/** The languages of the page. */
export type Language = 'es' | 'en'

/** The texts by language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { es, en }

/** Returns the language in the URL, else the first supported one that the user prefers, else Spanish. */
export function languageOf(search: string, preferred: readonly string[]): Language {
  const requested = new URLSearchParams(search).get('lang')
  if (requested === 'es' || requested === 'en') return requested
  const supported = preferred.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => tag === 'es' || tag === 'en')
  return supported === 'en' ? 'en' : 'es'
}
