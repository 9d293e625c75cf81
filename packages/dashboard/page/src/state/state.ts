import { computed, effect, signal } from '@preact/signals'
import type { ErrorLine, TailLine } from '../../../src/journal/journal.ts'
import { DEFAULT_RANGE_S, RANGES } from '../../../src/report/ranges.ts'
import type { Column, Parts } from '../../../src/report/view.ts'
import { formatsOf } from '../text/format.ts'
import { type Language, languageOf, TEXTS } from '../text/texts.ts'

/** Where the connection stands. */
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting')
/** What the server sent of each part; undefined until the first snapshot. */
export const parts = signal<(Omit<Parts, 'errors'> & { readonly errors: readonly ErrorLine[] }) | undefined>(undefined)
/** The columns of the charts, in the order of time. */
export const columns = signal<readonly Column[]>([])
/** The last lines, the newest last. */
export const tail = signal<readonly TailLine[]>([])
/** The server's clock, when it last said something. */
export const now = signal(Date.now())
/** Whether what comes is left unseen. */
export const isPaused = signal(false)
/** Whether charts are shown as tables. */
export const asTables = signal(false)
/** The range, in seconds. */
export const seconds = signal(secondsOf(location.search))
/** What the live tail is filtered by. */
export const filter = signal('')
/** The trace in the drawer. */
export const openTrace = signal<string | undefined>(undefined)
/** Whether the help is open. */
export const isHelpOpen = signal(false)
/** The language of the page. */
export const language = signal<Language>(languageOf(location.search, navigator.languages))
/** Light or dark, where the reader chose; else as the system has it. */
export const theme = signal<'light' | 'dark' | undefined>(storedTheme())
/** The texts of the language. */
export const t = computed(() => TEXTS[language.value])
/** The formats of the language. */
export const f = computed(() => formatsOf(language.value))

effect(() => {
  document.documentElement.lang = language.value
  document.title = `${t.value.title} · escudo`
})

effect(() => {
  if (theme.value === undefined) delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})

/** Keeps the view in the address. */
export function remember(name: 'range' | 'lang', value: string): void {
  const url = new URL(location.href)
  url.searchParams.set(name, value)
  history.replaceState(null, '', url)
}

/** Chooses light or dark, and keeps it. */
export function chooseTheme(chosen: 'light' | 'dark'): void {
  theme.value = chosen
  try {
    localStorage.setItem('theme', chosen)
  } catch {
    // A browser that stores nothing: it lasts as long as the page.
  }
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  return theme.value === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark'
}

function storedTheme(): 'light' | 'dark' | undefined {
  try {
    const stored = localStorage.getItem('theme')
    return stored === 'light' || stored === 'dark' ? stored : undefined
  } catch {
    return undefined
  }
}

function secondsOf(search: string): number {
  const asked = Number(new URLSearchParams(search).get('range'))
  return RANGES.has(asked) ? asked : DEFAULT_RANGE_S
}
