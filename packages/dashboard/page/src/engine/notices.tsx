import { f, language, parts } from '../state/state.ts'
import { ENGINE_TEXTS } from './texts.ts'

/** Says what is missing while an engine does not answer, or only a part of it. */
export function EngineAlert() {
  const data = parts.value?.engine
  if (data === undefined) return null
  const texts = ENGINE_TEXTS[language.value]
  const since = data.since === null ? '' : f.value.clock(Date.parse(data.since))
  if (data.state === 'whole')
    return data.is_folded ? (
      <p class="engine quiet" role="status">
        {texts.folded}
      </p>
    ) : null
  const isPartial = data.state === 'partial'
  return (
    <section class="verdict lost engine" role="alert">
      <h2 class="headline">
        <span class="sign" aria-hidden="true">
          ⚠
        </span>{' '}
        {isPartial ? texts.partialTitle(data.missing) : texts.unreachableTitle}
      </h2>
      <p>{isPartial ? texts.partialText(since) : texts.unreachableText(since)}</p>
      {data.message !== null && (
        <p>
          <code>{data.message}</code>
        </p>
      )}
    </section>
  )
}

/** Lists what an engine cannot tell, but files can. */
export function EngineLimits() {
  const data = parts.value?.engine
  if (data === undefined) return null
  const texts = ENGINE_TEXTS[language.value]
  return (
    <section class="figure sources engine-limits" aria-labelledby="engine-limits">
      <details>
        <summary>
          <h2 id="engine-limits">{texts.limitsTitle}</h2>
        </summary>
        <ul>
          {texts.limits.map((limit) => (
            <li key={limit}>{limit}</li>
          ))}
        </ul>
      </details>
    </section>
  )
}
