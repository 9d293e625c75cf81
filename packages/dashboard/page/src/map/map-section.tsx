import { useEffect, useRef, useState } from 'preact/hooks'
import { Script } from '../frame/script.tsx'
import { asTables, parts, t } from '../state/state.ts'
import { map } from './loaded.ts'

/** The script is loaded when the section is this near to the window. */
const NEAR = '400px'

/** Who calls whom. A single service that calls nothing needs no map. */
export function MapSection() {
  const texts = t.value
  const section = useRef<HTMLElement>(null)
  const [isNear, setNear] = useState(false)
  const { calls, health } = parts.value ?? {}
  const isShown = calls !== undefined && (calls.calls.length > 0 || (health?.services.length ?? 0) > 1)
  useEffect(() => {
    if (section.current === null) return
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: NEAR,
    })
    observer.observe(section.current)
    return () => observer.disconnect()
  }, [isShown])
  if (!isShown) return null
  return (
    <section class="figure" id="map" ref={section} aria-labelledby="map-title">
      <div class="figure-head">
        <h2 id="map-title">{texts.map}</h2>
        <button type="button" aria-pressed={asTables.value} onClick={() => (asTables.value = !asTables.value)}>
          {texts.table}
        </button>
      </div>
      <Script of={map} isWanted={isNear}>
        {({ MapView }) => <MapView calls={calls} />}
      </Script>
    </section>
  )
}
