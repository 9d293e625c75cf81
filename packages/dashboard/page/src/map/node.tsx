import { choose, service as chosenService, route } from '../state/selection.ts'
import { f, t } from '../state/state.ts'
import { rateText } from '../tables/rate.ts'
import { signOf } from '../verdict/sentences.ts'
import type { MapNode } from './graph.ts'
import { shareText } from './labels.ts'
import type { Box } from './layout/layout.ts'
import { mt } from './state.ts'

const WINDOW_S = 60

interface MapNodeButtonProps {
  readonly node: MapNode
  /** Where it is drawn; without, it has only its name and its state. */
  readonly box?: Box
  /** The id of the element that lists its calls. */
  readonly describedBy?: string | undefined
  readonly note?: (id: string | undefined) => void
}

/** A service of the map: its state, rate, failures and p95. A press makes it the filter of the page. */
export function MapNodeButton({ node, box, describedBy, note }: MapNodeButtonProps) {
  const { id, name, service } = node
  const texts = t.value
  const isChosen = chosenService.value === name && route.value === undefined && service !== undefined
  const events = {
    onPointerEnter: () => note?.(id),
    onPointerLeave: () => note?.(undefined),
    onFocus: () => note?.(id),
    onBlur: () => note?.(undefined),
  }
  const style = box && { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` }
  if (service === undefined) {
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form
      <div
        class="map-node outside"
        style={style}
        role="group"
        aria-label={name}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its calls are shown when it has the focus
        tabIndex={0}
        aria-describedby={describedBy}
        {...events}
      >
        <span class="map-name">{name}</span>
        <span class="quiet">{mt.value.noLog}</span>
      </div>
    )
  }
  const { state, requests, failures, p95_ms } = service
  return (
    <button
      type="button"
      class={`map-node ${state}`}
      style={style}
      title={texts.filterBy(name)}
      aria-pressed={isChosen}
      aria-describedby={describedBy}
      onClick={() => (isChosen ? choose() : choose(name))}
      {...events}
    >
      <span class="map-name">
        <span class={`state ${state}`} aria-hidden="true">
          {signOf(state)}
        </span>{' '}
        {name}
      </span>
      <span class="visually-hidden">, {texts.stateNames[state]}</span>
      {box !== undefined && (
        <span class="map-figures">
          <span>{rateText(requests, WINDOW_S)}</span>{' '}
          <span class={failures > 0 ? 'map-failed' : 'quiet'}>
            {shareText(requests === 0 ? 0 : failures / requests)} 5xx
          </span>{' '}
          <span class="quiet">p95 {f.value.duration(p95_ms)}</span>
        </span>
      )}
    </button>
  )
}
