import type { Language } from './texts.ts'

const LOCALES: Readonly<Record<Language, string>> = { es: 'es-ES', en: 'en-GB' }

/** Formats numbers and times in a language. */
export interface Formats {
  /** A whole number. */
  readonly count: (value: number) => string
  /** A duration in a suitable unit, with three significant digits. */
  readonly duration: (ms: number | null) => string
  /** Whole seconds, minutes or hours. */
  readonly rough: (ms: number) => string
  readonly percent: (share: number) => string
  /** A number with three significant digits. */
  readonly ratio: (value: number) => string
  readonly clock: (at: number) => string
  readonly clockExact: (at: number) => string
  readonly day: (at: number) => string
  /** Day and month. */
  readonly date: (at: number) => string
}

/** Returns the formats of a language. */
export function formatsOf(language: Language): Formats {
  const locale = LOCALES[language]
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0, useGrouping: 'always' })
  const three = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3, useGrouping: 'always' })
  const clock = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  const exact = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  })
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
  return {
    count: (value) => whole.format(value),
    duration: (ms) => {
      if (ms === null) return '—'
      if (ms < 1_000) return `${three.format(ms)}\u00a0ms`
      if (ms < 60_000) return `${three.format(ms / 1_000)}\u00a0s`
      return ms < 3_600_000 ? `${three.format(ms / 60_000)}\u00a0min` : `${three.format(ms / 3_600_000)}\u00a0h`
    },
    rough: (ms) => {
      if (ms < 60_000) return `${whole.format(Math.floor(ms / 1_000))}\u00a0s`
      return ms < 3_600_000
        ? `${whole.format(Math.floor(ms / 60_000))}\u00a0min`
        : `${whole.format(Math.floor(ms / 3_600_000))}\u00a0h`
    },
    percent: (share) => `${three.format(share * 100)}\u00a0%`,
    ratio: (value) => three.format(value),
    clock: (at) => clock.format(at),
    clockExact: (at) => exact.format(at),
    day: (at) => day.format(at),
    date: (at) => date.format(at),
  }
}
