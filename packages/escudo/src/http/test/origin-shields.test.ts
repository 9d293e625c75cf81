import { describe, expect, test } from 'vitest'
import { OriginShields } from '../origin-shields.ts'

describe('origin shields', () => {
  test('are kept for the most recently used origins', () => {
    const shields = new OriginShields('api', 'http://home', 2)
    const home = shields.of('http://home')
    const other = shields.of('http://other')
    expect(shields.of('http://home')).toBe(home)
    shields.of('http://third')
    expect(shields.of('http://home')).toBe(home)
    expect(shields.of('http://other')).not.toBe(other)
    expect(home.name).toBe('api')
    expect(other.name).toBe('api@other')
  })

  test('shorten the name for a long host', () => {
    const shields = new OriginShields('n'.repeat(100), undefined, 2)
    expect(shields.of(`http://${'h'.repeat(60)}.example`).name).toHaveLength(100)
  })
})
