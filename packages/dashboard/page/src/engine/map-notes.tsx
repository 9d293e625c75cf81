import type { Calls } from '../../../src/report/calls.ts'
import { momentLabel } from '../charts/time-labels.ts'
import { f, language } from '../state/state.ts'
import { ENGINE_TEXTS } from './texts.ts'

/** Says that a map is made from a part of the requests, and why there is no newer one. */
export function EngineMapNotes({ calls: { sample, problem } }: { readonly calls: Calls }) {
  const texts = ENGINE_TEXTS[language.value]
  const isPart = sample !== undefined && !sample.is_whole
  const [from, to] = isPart ? [Date.parse(sample.from), Date.parse(sample.to)] : [0, 0]
  const timeOf = (at: number): string => momentLabel(at, from, to + 1, f.value)
  return (
    <>
      {problem !== undefined && (
        <p class="map-about">
          ⚠ {texts.mapProblem} <code>{problem}</code>
        </p>
      )}
      {isPart && <p class="map-about">{texts.mapSample(f.value.count(sample.requests), timeOf(from), timeOf(to))}</p>}
    </>
  )
}

/** Says of when the services and the calls of a map are. */
export function EngineMapHint() {
  return ENGINE_TEXTS[language.value].mapHint
}
