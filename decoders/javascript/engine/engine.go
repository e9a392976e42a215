// Package engine runs JavaScript codecs in QuickJS, each time from the same state: memory
// is put back to what it was after the codec was compiled, so that nothing a run does,
// not even to the language's own objects, is there in the next.
//
// It sets a bound on memory and on recursion, but none on time, and it is C that was
// translated to Go: it belongs into a process that may be killed. It does not know
// processes, files, or what a codec's output means.
package engine

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

//go:embed driver.js
var driver string

// maxDepth is how deep calls may nest, roughly: 4 MB of goroutine stack.
const maxDepth = 1000

// gcThreshold is above what a run takes: what is left over goes with the run.
const gcThreshold = 8 << 20

// Engine is one JavaScript heap. It is for one goroutine.
type Engine struct {
	heap    *heap
	tls     *libc.TLS
	ctx     uintptr
	nothing lib.TJSValue // undefined
	run     lib.TJSValue // the function driver.js gives
	clock   uintptr      // where the time stands that codecs see
	empty   *snapshot    // before any codec
	room    uintptr      // a block for what is handed over by address: two values
}

// Program is a compiled codec. It belongs to the Engine that made it.
type Program struct {
	code  lib.TJSValue
	state *snapshot
}

// Size is how many bytes a program holds on to.
func (p *Program) Size() int { return len(p.state.mem) }

// New makes an engine whose JavaScript can use memory bytes, about 400 KiB of which are the
// language itself.
func New(memory int) (*Engine, error) {
	h, err := newHeap(memory)
	if err != nil {
		return nil, err
	}
	e := &Engine{heap: h, tls: libc.NewTLS()}
	rt := lib.XJS_NewRuntime2(e.tls, h.functions(), 0)
	if rt != 0 {
		lib.XJS_SetGCThreshold(e.tls, rt, gcThreshold)
		lib.XJS_SetMaxStackSize(e.tls, rt, maxDepth)
		e.ctx = lib.XJS_NewContext(e.tls, rt)
	}
	if e.ctx == 0 {
		e.Close()
		return nil, fmt.Errorf("start JavaScript: %d bytes of memory are not enough", memory)
	}
	if err := e.start(); err != nil {
		e.Close()
		return nil, fmt.Errorf("start JavaScript: %w", err)
	}
	e.empty = h.save()
	return e, nil
}

// start runs driver.js.
func (e *Engine) start() error {
	var err error
	if e.nothing, err = e.eval("driver.js", "undefined", lib.MJS_EVAL_TYPE_GLOBAL); err != nil {
		return err
	}
	parts, err := e.eval("driver.js", driver, lib.MJS_EVAL_TYPE_GLOBAL)
	if err != nil {
		return err
	}
	e.run = lib.XJS_GetPropertyUint32(e.tls, e.ctx, parts, 0)
	if e.room = e.heap.take(uint64(unsafe.Sizeof([2]lib.TJSValue{}))); e.room == 0 {
		return errMemory
	}
	e.clock = lib.XJS_GetArrayBuffer(e.tls, e.ctx, e.room, lib.XJS_GetPropertyUint32(e.tls, e.ctx, parts, 1))
	return e.thrown()
}

// Close gives the memory back. The engine and its programs cannot be used afterwards.
func (e *Engine) Close() error {
	// Freeing JavaScript's objects one by one would be for nothing: they all lie in the heap.
	e.tls.Close()
	return e.heap.close()
}

// Compile reads a codec; nothing of it runs yet. name is for messages. Where the source is
// no script, because it exports its functions as a module does, the word "export" is left
// out. Errors are those of the codec, with line and column.
func (e *Engine) Compile(name, source string, strict bool) (*Program, error) {
	p, err := e.compile(name, source, strict)
	if err != nil {
		if bare := withoutExport(source); bare != source {
			if q, second := e.compile(name, bare, strict); second == nil {
				return q, nil
			}
		}
		return nil, err
	}
	return p, nil
}

func (e *Engine) compile(name, source string, strict bool) (*Program, error) {
	if err := e.heap.put(e.empty); err != nil {
		return nil, err
	}
	flags := lib.MJS_EVAL_TYPE_GLOBAL | lib.MJS_EVAL_FLAG_COMPILE_ONLY
	if strict {
		flags |= lib.MJS_EVAL_FLAG_STRICT
	}
	code, err := e.eval(name, source, flags)
	if err != nil {
		return nil, err
	}
	return &Program{code: code, state: e.heap.save()}, nil
}

// Run runs the whole codec from its compiled state and gives what driver.js makes of its
// output, JSON. at is when the payload was received, and the only time there is for the
// codec. Errors are those of the codec: what it threw, or that it wanted more memory than
// there is.
func (e *Engine) Run(p *Program, port byte, payload []byte, at time.Time) (string, error) {
	if err := e.heap.put(p.state); err != nil {
		return "", err
	}
	*(*float64)(e.pointer(e.clock)) = float64(at.UnixMilli())
	// Made before the codec has a chance to change what a list is.
	args := (*[2]lib.TJSValue)(e.pointer(e.room))
	args[0], args[1] = e.list(payload), number(port)
	lib.XJS_EvalFunction(e.tls, e.ctx, p.code)
	if err := e.thrown(); err != nil {
		return "", err
	}
	answer := lib.XJS_Call(e.tls, e.ctx, e.run, e.nothing, int32(len(args)), e.room)
	if err := e.thrown(); err != nil {
		return "", err
	}
	return e.string(answer)
}

// list makes a list of numbers. Where memory ends, so does the list, and what comes next
// tells of it.
func (e *Engine) list(payload []byte) lib.TJSValue {
	l := lib.XJS_NewArray(e.tls, e.ctx)
	for i, b := range payload {
		lib.XJS_SetPropertyUint32(e.tls, e.ctx, l, uint32(i), number(b))
	}
	return l
}

func number(b byte) lib.TJSValue {
	return lib.TJSValue{Fu: lib.TJSValueUnion{Fuint641: uint64(b)}, Ftag: lib.EJS_TAG_INT}
}

// pointer is an address in the heap as Go sees it.
func (e *Engine) pointer(p uintptr) unsafe.Pointer { return unsafe.Pointer(&e.heap.mem[p-e.heap.base]) }

func (e *Engine) eval(name, source string, flags int) (lib.TJSValue, error) {
	at := e.heap.keep(name, source)
	if at == 0 {
		return lib.TJSValue{}, errMemory
	}
	v := lib.XJS_Eval(e.tls, e.ctx, at+uintptr(len(name)+1), libc.Tsize_t(len(source)), at, int32(flags))
	return v, e.thrown()
}

// thrown takes the exception that is waiting, if any.
func (e *Engine) thrown() error {
	if lib.XJS_HasException(e.tls, e.ctx) == 0 {
		return nil
	}
	exception := lib.XJS_GetException(e.tls, e.ctx)
	what, err := e.string(exception)
	if err != nil {
		return err
	}
	if lib.XJS_IsError(e.tls, e.ctx, exception) == 0 {
		return errors.New("threw " + what)
	}
	if stack, err := e.stack(exception); err == nil {
		if where := place(stack); where != "" {
			what = where + ": " + what
		}
	}
	return errors.New(what)
}

func (e *Engine) stack(exception lib.TJSValue) (string, error) {
	name := e.heap.keep("stack")
	if name == 0 {
		return "", errMemory
	}
	return e.string(lib.XJS_GetPropertyStr(e.tls, e.ctx, exception, name))
}

// place takes the innermost "file:line:column" from a stack of the engine, whose lines are
// "    at name (file:line:column)" or "    at file:line:column".
func place(stack string) string {
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndexByte(line, '('); i >= 0 {
			line = strings.TrimSuffix(line[i+1:], ")")
		} else {
			line = strings.TrimPrefix(line, "at ")
		}
		if strings.Contains(line, ":") && !strings.HasPrefix(line, "driver.js") {
			return line
		}
	}
	return ""
}

var errMemory = errors.New("out of memory")

var errText = errors.New("gives something that cannot be read, or for which no memory is left")

// string makes a Go string of a value. A value that cannot be made a string, or for which
// there is no memory left, is an error.
func (e *Engine) string(v lib.TJSValue) (string, error) {
	room := e.room
	if room == 0 { // while the engine starts
		if room = e.heap.take(uint64(unsafe.Sizeof(v))); room == 0 {
			return "", errMemory
		}
	}
	p := lib.XJS_ToCStringLen2(e.tls, e.ctx, room, v, 0)
	if p == 0 {
		return "", errText
	}
	size := *(*libc.Tsize_t)(e.pointer(room))
	from := int(p - e.heap.base)
	return strings.ToValidUTF8(string(e.heap.mem[from:from+int(size)]), "\uFFFD"), nil
}
