import { describe, expect, it } from 'vitest'
import { UNREAD } from '../../../../src/lines/reader/unread.ts'
import { en } from '../english.ts'
import { es } from '../spanish.ts'
import { TEXTS } from '../texts.ts'

type Text = (...values: (string | boolean)[]) => string

/** All texts that take values, by name, with these values. */
function written(texts: object, ...values: (string | boolean)[]): readonly (readonly [string, string])[] {
  return Object.entries(texts).flatMap(([name, text]) =>
    typeof text === 'function' ? [[name, (text as Text)(...values)] as const] : [],
  )
}

describe('the texts', () => {
  it('have a singular noun after one, in both languages', () => {
    // "1 of 1 services" and "1 lines/s" are right.
    const plural = {
      en: /(?<!of )\b1 (?:\w+ )?(?!is\b|was\b|has\b|uses\b|its\b|waits\b|business\b)\w+s\b(?!\/)/,
      es: /(?<!de )\b1 (?!más\b)\w+s\b(?!\/)/,
    }
    for (const language of ['en', 'es'] as const) {
      const wrong = written(TEXTS[language], '1', '1', '1', '1').filter(([, text]) => plural[language].test(text))
      expect(wrong).toEqual([])
    }
  })

  it('have a plural noun after none and after several', () => {
    for (const n of ['0', '2', '1,000']) {
      expect(en.linesRead(n)).toBe(`${n} lines`)
      expect(en.services(n)).toBe(`${n} services`)
      expect(es.changes(n)).toBe(`${n} cambios`)
      expect(es.files(n)).toBe(`${n} ficheros`)
    }
  })

  it('say how many responses to users were errors', () => {
    expect(en.effect('1', '3', '0', false)).toBe(
      'In the last minute, 1 of 3 responses to users was a server error; 0 used a fallback.',
    )
    expect(es.effect('2', '3', '1', true)).toBe(
      'En el minuto anterior, 2 de 3 respuestas a usuarios fueron errores de servidor; 1 salió con un valor de reserva.',
    )
  })

  it('tell in both languages why a line was not read, for each reason', () => {
    for (const texts of [en, es]) expect(Object.keys(texts.unreadReasons).sort()).toEqual(Object.keys(UNREAD).sort())
  })

  it('are different in the two languages, but for names and signs', () => {
    const values = Object.entries(en).filter(([, text]) => typeof text === 'string' && / /.test(text))
    const same = values.filter(([name, text]) => es[name as keyof typeof es] === text).map(([name]) => name)
    expect(same).toEqual(['percentiles'])
  })
})
