import { describe, expect, test } from 'vitest'
import { OriginShields } from '../origin-shields.ts'

describe('origin shields', () => {
  test('are kept for the most recently used origins', () => {
    const shields = new OriginShields('api', 'http://home', 2)
    const home = shields.of(new URL('http://home/1'))
    const other = shields.of(new URL('http://other/'))
    expect(shields.of(new URL('http://home/2'))).toBe(home)
    shields.of(new URL('http://third/'))
    expect(shields.of(new URL('http://home/'))).toBe(home)
    expect(shields.of(new URL('http://other/'))).not.toBe(other)
    expect(home.name).toBe('api')
    expect(other.name).toBe('api@other')
  })

  test('shorten the name for a long host', () => {
    const shields = new OriginShields('n'.repeat(100), undefined, 2)
    expect(shields.of(new URL(`http://${'h'.repeat(60)}.example/`)).name).toHaveLength(100)
  })
})
