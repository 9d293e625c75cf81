import { Charts } from './charts/charts.tsx'
import { Tiles } from './charts/tiles.tsx'
import { Drawer } from './dialogs/drawer.tsx'
import { Help } from './dialogs/help.tsx'
import { engine } from './engine/loaded.ts'
import { Downloads } from './frame/downloads.tsx'
import { Footer } from './frame/footer.tsx'
import { Header } from './frame/header.tsx'
import { Scope } from './frame/scope.tsx'
import { levers } from './levers/loaded.ts'
import { Breakers } from './lists/breakers.tsx'
import { Errors } from './lists/errors.tsx'
import { Tail } from './lists/tail.tsx'
import { MapSection } from './map/map-section.tsx'
import { Sources } from './sources/sources.tsx'
import { parts, t } from './state/state.ts'
import { Tables } from './tables/tables.tsx'
import { VerdictLine } from './verdict/verdict-line.tsx'

/** The page, in reading order. */
export function App() {
  const LeversDialog = levers.value?.LeversDialog
  const EngineAlert = engine.value?.EngineAlert
  const EngineLimits = engine.value?.EngineLimits
  return (
    <>
      <a class="skip" href="#content">
        {t.value.skip}
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        {EngineAlert && <EngineAlert />}
        <VerdictLine />
        {parts.value !== undefined && parts.value.health.state !== 'waiting' && (
          <>
            <Scope />
            <Tiles />
            <Charts />
            <Tables />
            <MapSection />
            <Breakers />
            <Errors />
            <Tail />
          </>
        )}
        <Sources />
        {EngineLimits && <EngineLimits />}
        <Downloads />
      </main>
      <Footer />
      <Drawer />
      {LeversDialog && <LeversDialog />}
      <Help />
    </>
  )
}
