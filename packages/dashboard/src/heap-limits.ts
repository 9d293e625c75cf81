import { setFlagsFromString } from 'node:v8'

/**
 * Makes V8 keep the heap of a program that reads logs small. Call it first.
 *
 * Objects created while a log is read are short-lived. By default V8 grows the young generation many times over during a
 * long log, and the old one to several times what is in use. Here both cost memory, and hardly save time:
 * `npm run bench -- dashboard` measures both.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}
