package board

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
)

// stylesheet is the one CSS file. Its address holds a hash of its content, so that it
// may be cached for long and is still fresh after an update.
type stylesheet struct {
	body []byte
	href string
}

func loadStylesheet() (stylesheet, error) {
	body, err := files.ReadFile("static/board.css")
	if err != nil {
		return stylesheet{}, fmt.Errorf("board: %w", err)
	}
	sum := sha256.Sum256(body)
	return stylesheet{body, "/static/board.css?v=" + hex.EncodeToString(sum[:6])}, nil
}

func (s stylesheet) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(s.body) // the visitor left: nobody to tell
}

func serveIcon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeFileFS(w, r, files, "static/icon.svg")
}
