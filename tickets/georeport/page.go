package georeport

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"
)

// pageTemplate shows what has come in, newest first.
var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EMSOS-Stellvertreter</title>
<style>
body { font-family: system-ui, sans-serif; line-height: 1.5; margin: 1rem auto; max-width: 60rem; padding: 0 1rem; }
.note { border: 2px solid; padding: .5rem 1rem; }
article { border-top: 1px solid; padding: .5rem 0; }
pre { font: inherit; white-space: pre-wrap; margin: .5rem 0; }
</style>
</head>
<body>
<main>
<h1>EMSOS-Stellvertreter</h1>
<p class="note"><strong>Dies ist nicht EMSOS.</strong> Ein Stellvertreter zum Ausprobieren: Meldungen bleiben auf diesem Rechner, niemand bearbeitet sie.</p>
<p>{{.Open}} offen, {{.Closed}} geschlossen.{{if .More}} Gezeigt werden die neuesten {{len .Requests}}.{{end}}</p>
{{range .Requests}}<article>
<h2>Nr. {{.ID}}: {{if .Closed}}geschlossen{{else}}offen{{end}}</h2>
<p>{{.Service}}, eingegangen {{.At}} (UTC){{if .Lat}}, Lage {{.Lat}} / {{.Long}}{{end}}</p>
<pre>{{.Description}}</pre>
{{if .Notes}}<p>Letzte Nachricht: {{.Notes}}</p>
{{end}}</article>
{{else}}<p>Noch keine Meldung.</p>
{{end}}</main>
</body>
</html>
`))

type row struct {
	Request
	At string
}

// maxRows bounds the page.
const maxRows = 200

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	all := s.Requests()
	view := struct {
		Open, Closed int
		More         bool
		Requests     []row
	}{More: len(all) > maxRows}
	for _, q := range all {
		if q.Closed {
			view.Closed++
		} else {
			view.Open++
		}
	}
	for _, q := range slices.Backward(all[max(0, len(all)-maxRows):]) {
		view.Requests = append(view.Requests, row{q, q.Requested.UTC().Format("02.01.2006, 15:04") + " Uhr"})
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_, _ = w.Write(b.Bytes()) // the only error possible is that nobody listens any more
}
