import { computed, effect, signal } from '@preact/signals'
import type { TailLine } from '../../../src/journal/journal.ts'
import { DEFAULT_RANGE_S, RANGES } from '../../../src/report/ranges.ts'
import type { Column, Parts } from '../../../src/report/view.ts'
import { formatsOf } from '../text/format.ts'
import { type Language, languageOf, TEXTS } from '../text/texts.ts'

const STALE_MS_MIN = 10_000

/** The state of the connection. */
export const connection = signal<'connecting' | 'live' | 'lost' | 'full'>('connecting')
/** The latest parts from the server. Undefined until the first snapshot. */
export const parts = signal<Parts | undefined>(undefined)
/** The columns of the charts, ordered by time. */
export const columns = signal<readonly Column[]>([])
/** The last lines, newest last. */
export const tail = signal<readonly TailLine[]>([])
/** The server's clock at its last message. */
export const now = signal(Date.now())
/** For how many milliseconds no line has come, in a range that ends now; undefined if lines come. */
export const staleMs = computed(() => {
  const newest = parts.value?.progress.newest ?? null
  const ms = newest === null || !parts.value?.range.isNow ? 0 : now.value - newest
  return ms > STALE_MS_MIN ? ms : undefined
})
/** Whether the page is paused. */
export const isPaused = signal(false)
/** Whether tables replace the charts. */
export const asTables = signal(false)
/** The range, in seconds. */
export const seconds = signal(secondsOf(location.search))
/** The filter of the live tail. */
export const filter = signal('')
/** The trace shown in the drawer. */
export const openTrace = signal<string | undefined>(undefined)
/** Whether the help is open. */
export const isHelpOpen = signal(false)
/** The language of the page. */
export const language = signal<Language>(languageOf(location.search, navigator.languages))
/** The theme that the user chose; undefined follows the system. */
export const theme = signal<'light' | 'dark' | undefined>(storedTheme())
/** The texts of the language. */
export const t = computed(() => TEXTS[language.value])
/** The formats of the language. */
export const f = computed(() => formatsOf(language.value))

effect(() => {
  document.documentElement.lang = language.value
})

effect(() => {
  if (theme.value === undefined) delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})

/** What the URL keeps. */
export type Remembered = 'range' | 'lang' | 'from' | 'to' | 'by' | 'axis' | 'latency' | 'trace' | 'q'

/** Stores a choice in the URL; undefined removes it. */
export function remember(name: Remembered, value: string | undefined): void {
  const url = new URL(location.href)
  if ((url.searchParams.get(name) ?? undefined) === value) return
  if (value === undefined) url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  history.replaceState(null, '', url)
}

/** Sets and stores the theme. */
export function chooseTheme(chosen: 'light' | 'dark'): void {
  theme.value = chosen
  try {
    localStorage.setItem('theme', chosen)
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
}

/** Whether the page is dark. */
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
  const seconds = Number(new URLSearchParams(search).get('range'))
  return RANGES.has(seconds) ? seconds : DEFAULT_RANGE_S
}
