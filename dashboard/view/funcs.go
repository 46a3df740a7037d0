package view

import "html/template"

// funcs are what templates can call beside the methods of their data.
func (e *Engine) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": e.assets.path,
	}
}
