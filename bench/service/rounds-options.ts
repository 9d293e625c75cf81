import { COMMON, type CommonOptions, commonOptions, UsageError, wholeNumber } from '../command-line.ts'

/** The options of a run in rounds. */
export interface RoundsOptions extends CommonOptions {
  readonly rounds: number
  readonly roundMs: number
  readonly profiles: string | undefined
}

/** A circuit of the shop stays open for 10 s, and must stay open for the whole load. */
const SECONDS_MAX = 8
const SECONDS_MIN = 0.1

/** What {@link roundsOptions} reads. */
export const ROUNDS = {
  ...COMMON,
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1' },
  'cpu-prof': { type: 'string' },
} as const

interface Values {
  readonly only: string
  readonly list: boolean
  readonly json: boolean
  readonly markdown: boolean
  readonly help: boolean
  readonly rounds: string
  readonly seconds: string
  readonly 'cpu-prof'?: string | undefined
}

/** @throws UsageError for a wrong value, or options that exclude each other */
export function roundsOptions(values: Values): RoundsOptions {
  const { 'cpu-prof': profiles } = values
  checkPath('cpu-prof', profiles)
  return {
    ...commonOptions(values),
    rounds: wholeNumber('--rounds', values.rounds, 1, 100),
    roundMs: seconds(values.seconds) * 1_000,
    profiles,
  }
}

/** @throws UsageError for an empty path */
export function checkPath(option: string, path: string | undefined): void {
  if (path === '') throw new UsageError(`--${option} takes a path, got ''`)
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= SECONDS_MIN && value <= SECONDS_MAX)) {
    throw new UsageError(`--seconds takes a number from ${SECONDS_MIN} to ${SECONDS_MAX}, got '${text}'`)
  }
  return value
}
