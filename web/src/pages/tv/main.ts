import '../../ui/tokens.css'
import '../../ui/base.css'
import './tv.css'
import '../../live/tiles.css'
import './modes.css'
import './foot.css'
import './pair.css'
import './media.css'
import { mount } from 'svelte'
import { startLanguage } from '../../i18n/state.svelte'
import Tv from './Tv.svelte'

await startLanguage()
mount(Tv, { target: document.body })
