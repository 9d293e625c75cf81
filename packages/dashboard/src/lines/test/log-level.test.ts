import { expect, it } from 'vitest'
import { levelOf } from '../log-level.ts'

it.each([
  ['ERROR', undefined, 'error'],
  ['warn', undefined, 'warning'],
  ['WARN+2', undefined, 'warning'],
  ['Information', undefined, 'info'],
  ['SEVERE', undefined, 'error'],
  ['fatal', undefined, 'critical'],
  ['dpanic', undefined, 'critical'],
  ['verbose', undefined, 'debug'],
  ['custom', undefined, 'custom'],
  ['__proto__', undefined, '__proto__'],
  ['constructor', undefined, 'constructor'],
  [30, undefined, 'info'],
  [50, undefined, 'error'],
  [60, undefined, 'critical'],
  [35, undefined, 'info'],
  [3, undefined, 'error'],
  ['3', 'syslog', 'error'],
  [0, 'syslog', 'critical'],
  [7, 'syslog', 'debug'],
  [17, 'otlp', 'error'],
  [13, 'otlp', 'warning'],
  [9, 'otlp', 'info'],
  [40, 'python', 'error'],
  ['', undefined, undefined],
  [null, undefined, undefined],
] as const)('reads the level %j on the scale %s as %s', (value, scale, level) => {
  expect(levelOf(value, scale)).toBe(level)
})
