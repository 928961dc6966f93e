import { mount } from 'svelte'
import '../../ui/base.css'
import Phone from './Phone.svelte'

const target = document.getElementById('app')
if (target) mount(Phone, { target })
