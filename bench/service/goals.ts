import { type Goal, type GoalLine, judge, twoDecimals } from '../verdicts.ts'
import { compare, isCase } from './compare.ts'
import { type CaseName, isLimited, type Measured, type Round } from './measure.ts'
import { growth, MEMORY, type MemoryPoint, rssMax } from './memory.ts'
import type { CallerName } from './programs/callers.ts'
import { CHAPTER_MISSING, CHAPTER_OK, CHAPTER_OPEN, FASTAPI } from './suites/chapter.ts'
import { CLIENT, REPLACED } from './suites/clients.ts'
import { ESCUDO, type RequestGroup, WITH_LOG } from './suites/requests.ts'
import { SHOP, SHOP_MISSING, SHOP_OK, SHOP_OPEN } from './suites/shop.ts'

/** The measurements that the goals read. */
export interface Figures {
  readonly results: readonly Measured[]
  readonly memory: readonly MemoryPoint[]
  /** The cases that could not be measured, and why. */
  readonly notes: readonly string[]
}

const RSS_MB_MAX = 200
// Flat, with a margin for garbage that is not collected yet.
const GROWTH_MAX = 1.1

const GOALS: readonly Goal<Figures>[] = [
  request('requests: GET 200', 1.15),
  request('requests: POST validated', 1.15),
  request('requests: error thrown, 404', 1.0),
  request('requests: unknown route', 1.5),
  {
    ...request('requests: GET 200', 1.3),
    what: 'requests: GET 200, p99 at full load',
    ...throughput({ group: 'requests: GET 200', by: ESCUDO }, { group: 'requests: GET 200', by: WITH_LOG }, 'p99Ms'),
  },
  error(SHOP_MISSING, 1.6),
  error(SHOP_OPEN, 1.6),
  {
    what: `${MEMORY}, resident`,
    goal: `≤ ${RSS_MB_MAX} MB`,
    limit: RSS_MB_MAX,
    must: 'at most',
    show: (mb) => `${mb.toFixed(0)} MB`,
    measure: ({ memory }) => {
      const bytes = rssMax(memory)
      return bytes === undefined ? undefined : bytes / 1e6
    },
  },
  {
    what: `${MEMORY}, end by half`,
    goal: `flat (≤ ${GROWTH_MAX} ×)`,
    limit: GROWTH_MAX,
    must: 'at most',
    show: twoDecimals,
    measure: ({ memory }) => growth(memory),
  },
  faster(CHAPTER_OK, 3),
  faster(CHAPTER_MISSING, 3),
  faster(CHAPTER_OPEN, 3),
  client('resilientFetch, standard shield', 1.2, REPLACED),
  client('resilientRequest, standard shield', 0.5, 'fetch'),
]

/** All goals with their verdicts, including goals that were not measured. */
export function goalLines(figures: Figures): GoalLine[] {
  return judge(GOALS, figures)
}

function request(group: RequestGroup, limit: number): Goal<Figures> {
  return {
    what: group,
    goal: `≤ ${limit} × ${WITH_LOG}`,
    limit,
    must: 'at most',
    show: twoDecimals,
    measure: compare({ group, by: ESCUDO }, { group, by: WITH_LOG }, 'cpuUs'),
  }
}

function error(group: string, limit: number): Goal<Figures> {
  return {
    what: group,
    goal: `≤ ${limit} × ${SHOP_OK}`,
    limit,
    must: 'at most',
    show: twoDecimals,
    measure: compare({ group, by: SHOP }, { group: SHOP_OK, by: SHOP }, 'cpuUs'),
  }
}

function faster(group: string, limit: number): Goal<Figures> {
  return {
    what: group,
    goal: `≥ ${limit} × the requests a second of ${FASTAPI}`,
    limit,
    must: 'at least',
    show: twoDecimals,
    ...throughput({ group, by: SHOP }, { group, by: FASTAPI }, 'perSecond'),
    missing: ({ notes }) => notes.some((note) => note.startsWith(`${group}: not available`)),
  }
}

function client(by: CallerName, limit: number, than: CallerName): Goal<Figures> {
  return {
    what: `${CLIENT}, ${by}`,
    goal: `≤ ${limit} × ${than}`,
    limit,
    must: 'at most',
    show: twoDecimals,
    measure: compare({ group: CLIENT, by }, { group: CLIENT, by: than }, 'cpuUs'),
  }
}

/** Like {@link compare}, for a figure that means nothing unless both processes were busy all the time. */
function throughput(
  above: CaseName,
  below: CaseName,
  figure: keyof Round,
): Required<Pick<Goal<Figures>, 'measure' | 'doubtful'>> {
  return {
    measure: compare(above, below, figure),
    doubtful: ({ results }) => results.some((one) => isLimited(one) && (isCase(one, above) || isCase(one, below))),
  }
}
