import '../../ui/tokens.css'
import '../../ui/base.css'
import '../../ui/themes.css'
import '../../ui/link.css'
import '../../live/tiles.css'
import './coach.css'
import './rail.css'
import './wall.css'
import './attention.css'
import './person.css'
import './screens.css'
import { mount } from 'svelte'
import { startLanguage } from '../../i18n/state.svelte'
import './words.svelte'
import Coach from './Coach.svelte'

await startLanguage()
mount(Coach, { target: document.body })
