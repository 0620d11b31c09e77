"""Runs cases.json through the Python package; README.md says how."""

import argparse
import contextlib
import json
import pathlib
import sys
import threading
import time

import rustml

NUMBERS = rustml.GenerationOptions.__annotations__.keys() - {"on_stop", "stop"}


class Wrong(Exception):
    pass


def require(holds, what):
    if not holds:
        raise Wrong(what)


class Runner:
    def __init__(self, arguments):
        self.arguments, self.models = arguments, {}
        self.cases = json.loads(arguments.cases.read_text())

    def path(self, text):
        for name in ("data", "work", "out"):
            text = text.replace("{" + name + "}", str(getattr(self.arguments, name)))
        return text

    def model(self, name):
        if name not in self.models:
            self.models[name] = rustml.Model.open(self.path(self.cases["models"][name]))
        return self.models[name]

    # ------------------------------------------------------------------------------------------------ one case

    def run(self, case):
        self.session = self.model(case["model"]).session(**{{"memory_limit_bytes": "memory_limit"}.get(k, k): v.lower() if k == "kv_type" else v
                                                            for k, v in case["session"].items()})
        self.saved = {}
        with self.session:
            for number, step in enumerate(case["steps"], 1):
                try:
                    self.step(dict(step))
                except Wrong as problem:
                    raise Wrong(f"step {number} ({step['op']}): {problem}") from None

    def step(self, step):
        op, status, message, within = step.pop("op"), step.pop("status", "OK"), step.pop("message", ""), step.pop("within_ms", None)
        wanted = {name: step.pop(name) for name in [*step] if name.startswith("want_")}
        self.late_from, found = time.monotonic(), {}
        try:
            getattr(self, "op_" + op)(found, wanted, **step)
            ended, text = "OK", ""
        except rustml.RustmlError as error:
            ended, text = error.status.name, str(error)
        took = 1000 * (time.monotonic() - self.late_from)
        require(ended == status, f"ended {ended} ({text}), wanted {status}")
        require(message in text, f"message {text!r} lacks {message!r}")
        require(within is None or took <= within, f"took {took:.0f} ms, wanted at most {within} ms")
        for name, value in wanted.items():
            name = name[5:]
            if name in ("beams", "skipped_at_least"):
                require(found[name], f"{name}: {found} instead of {value}")
            else:
                require(found[name] == value, f"{name} is {found[name]!r}, wanted {value!r}")

    @staticmethod
    def limits(step):
        """cancelled and timeouts as the package takes them; removes them from the step."""
        limits = {}
        if step.pop("cancelled", False):
            limits["cancel"] = rustml.CancelHandle()
            limits["cancel"].cancel()
        for field, name in (("timeout_ms", "timeout"), ("first_token_timeout_ms", "first_token_timeout")):
            if field in step:
                limits[name] = step.pop(field) / 1000
        return limits

    # ------------------------------------------------------------------------------------------- model and text

    def op_open(self, found, wanted, path, **step):
        limits, memory = self.limits(step), step.pop("memory_limit_bytes", 0)
        rustml.Model.open(self.path(path), memory_limit=memory, **limits, **step).close()

    def op_info(self, found, wanted):
        info = self.session.model.info
        found.update(vocab_size=info.vocab_size, chat_template=info.has_chat_template)

    def op_encode(self, found, wanted, text, parse_special=False):
        found["ids"] = self.session.model.encode(text, add_special=False, parse_special=parse_special)

    def op_decode(self, found, wanted, ids, skip_special=False):
        found["text"] = self.session.model.decode(ids, skip_special=skip_special)

    def op_chat_format(self, found, wanted, messages, add_generation_prompt=True):
        found["text"] = self.session.model.chat_format(messages, add_generation_prompt=add_generation_prompt)

    # --------------------------------------------------------------------------------------------------- session

    def op_eval(self, found, wanted, ids, repeat=1, **step):
        limits = self.limits(step)
        self.session.eval(ids * repeat, **limits, **step)
        found["position"] = self.session.position

    def op_logits(self, found, wanted, **step):
        logits = self.session.read_logits(**self.limits(step))
        found.update(size=len(logits), best=logits.index(max(logits)))

    def op_tokens(self, found, wanted):
        found["ids"] = self.session.tokens

    def op_reset(self, found, wanted):
        self.session.reset()

    def op_rewind(self, found, wanted, n):
        self.session.rewind(n)
        found["position"] = self.session.position

    def op_while_open(self, found, wanted, ids):
        with self.session.generate(ids) as generation:
            next(generation)
            self.session.eval([5])

    def op_after_close(self, found, wanted):
        session = self.session.model.session()
        session.close()
        session.tokens

    @staticmethod
    def options(step):
        options = Runner.limits(step)
        options.update({name: step.pop(name) for name in [*step] if name in NUMBERS})
        if "stop_strings" in step:
            options["stop"] = step.pop("stop_strings")
        if "on_stop" in step:
            options["on_stop"] = step.pop("on_stop").lower()
        return options

    def op_generate(self, found, wanted, ids=None, repeat=1, text=None, messages=None, break_after=0, save_as=None, same_as=None, differs_from=None,
                    publish=None, **step):
        options = self.options(step)
        require(not step, f"unknown fields {step}")
        prompt = next(p for p in (ids and ids * repeat, text, messages) if p is not None)
        found.update(ids=[], text="")
        generation = None
        try:
            generation = self.session.generate(prompt, **options)
            for chunk in generation:
                found["text"] += chunk.text
                if chunk.token_id is not None:
                    found["ids"].append(chunk.token_id)
                if break_after and len(found["ids"]) == break_after:
                    break
        finally:
            if generation:
                generation.close()
                result = generation.result
                found.update(finish=result.finish.name, prompt_tokens=result.prompt_tokens,
                             skipped_at_least=result.prefill_tokens_skipped >= wanted.get("want_skipped_at_least", 0))
        if save_as:
            self.saved[save_as] = found["ids"]
        require(same_as is None or found["ids"] == self.saved[same_as], f"{found['ids']} is not {same_as}")
        require(differs_from is None or found["ids"] != self.saved[differs_from], f"equals {differs_from}")
        if publish:
            self.publish(publish, found["ids"])

    def op_batch(self, found, wanted, prompts, **step):
        options = self.options(step)
        require(not step, f"unknown fields {step}")
        answers = self.session.model.generate_batch(prompts, options, kv_type="f32")
        for answer in answers:
            if answer.error:
                raise answer.error
        found["all"] = [answer.ids for answer in answers]

    def op_beams(self, found, wanted, early_stopping=0, **step):
        beams = self.session.beam_search(step.pop("ids"), early_stopping=(False, True, "never")[early_stopping], **step)
        want = wanted.get("want_beams", [])
        found["beams"] = len(beams) == len(want) and all(
            b.ids == w["ids"] and (b.stop_id if b.stop_id is not None else -1) == w["stop_id"] and abs(b.score - w["score"]) < 1e-3
            for b, w in zip(beams, want))
        found["all"] = beams

    # ---------------------------------------------------------------------------------------------------- stopping

    def op_cancel_in(self, found, wanted, call, ids, repeat, after_ms):
        cancel = rustml.CancelHandle()

        def later():
            time.sleep(after_ms / 1000)
            self.late_from = time.monotonic()
            cancel.cancel()

        thread = threading.Thread(target=later)
        thread.start()
        try:
            if call == "eval":
                self.session.eval(ids * repeat, cancel=cancel)
            elif call == "logits":
                self.logits_until_error(cancel, ids * repeat)
            else:
                self.session.generate(ids * repeat, cancel=cancel, max_tokens=1).read()
        finally:
            ended = time.monotonic()
            thread.join()
            self.late_from += time.monotonic() - ended

    def logits_until_error(self, cancel, ids):
        """Asks for logits while another session keeps the threads busy with `ids`."""
        def eval_beside():
            with contextlib.suppress(rustml.CancelledError), self.session.model.session() as beside:
                beside.eval(ids, cancel=cancel)

        thread = threading.Thread(target=eval_beside)
        thread.start()
        time.sleep(0.01)
        try:
            while True:
                self.session.read_logits(cancel=cancel)
        finally:
            thread.join()

    def op_busy(self, found, wanted, ids, repeat):
        cancel, problems = rustml.CancelHandle(), []

        def other():
            while problems[-1:] in ([], ["BUSY"]):  # while the calls below are first
                try:
                    self.session.eval(ids * repeat, cancel=cancel)
                    problems.append("OK")
                except rustml.RustmlError as problem:
                    problems.append(problem.status.name)

        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.02)
        try:
            while thread.is_alive():
                with contextlib.suppress(rustml.BusyError):
                    self.session.reset()  # the other one needs the room
                self.session.eval([5])
                time.sleep(0.001)
        finally:
            cancel.cancel()
            thread.join()
            require(problems[-1] == "CANCELLED", f"the other thread ended {problems[-1]}")

    def op_callback_stop(self, found, wanted, ids, value):
        try:
            self.session.model.generate_batch([ids], {"max_tokens": 4}, on_chunk=lambda index, chunk: value)
        except rustml.CallbackStopError as error:
            require(error.callback_value == value, f"callback value {error.callback_value}")
            raise

    def op_callback_panic(self, found, wanted, ids, times):
        for _ in range(times):
            mine = LookupError("mine")

            def raises(*ignored):
                raise mine

            for call in (lambda: self.session.beam_search(ids, max_tokens=2, progress=raises),
                         lambda: self.session.model.generate_batch([ids], {"max_tokens": 4}, on_chunk=raises)):
                try:
                    call()
                    raise Wrong("nothing was raised")
                except LookupError as problem:
                    require(problem is mine, "another exception")

    # --------------------------------------------------------------------------------------------------- snapshots

    def op_snapshot(self, found, wanted, cut=0, flip=None, into=None):
        data = bytearray(self.session.snapshot())
        if flip is not None:
            data[flip] ^= 255
        session = self.model(into).session(kv_type="f32") if into else self.session
        session.restore(data[:len(data) - cut])
        found["position"] = session.position

    def op_save(self, found, wanted, path):
        self.session.save(self.path(path))

    def op_load(self, found, wanted, path):
        self.session.load(self.path(path))

    # --------------------------------------------------------------------------------------------------- exchange

    def publish(self, key, value):
        print("PUBLISH", key, json.dumps(value), flush=True)

    def exchange(self, one, folder, writing):
        one = dict(one)
        name, prompt, after = one.pop("name"), one.pop("ids"), one.pop("save_after")
        one.pop("want_ids", None)
        session, ids, texts = self.model(one.pop("model")).session(kv_type="f32"), [], []
        path = folder / f"{name}.snapshot"
        if not writing:
            session.load(path)
        for chunk in session.generate(prompt, **self.options(one)) if writing else session.resume():
            if chunk.token_id is not None:
                ids.append(chunk.token_id)
            texts.append(chunk.text)
            if writing and len(ids) == after and chunk.token_id is not None:
                session.save(path)
                texts.clear()
        self.publish(f"exchange {'' if writing else 'tail '}{name}", ids)
        self.publish(f"exchange text {name}", "".join(texts))

    def main(self):
        failed = 0
        folder = self.arguments.write or self.arguments.read
        for case in self.cases["exchange" if folder else "cases"]:
            if self.arguments.only not in case["name"]:
                continue
            try:
                if folder:
                    self.exchange(case, folder, self.arguments.write is not None)
                else:
                    self.run(case)
                print("ok", case["name"], flush=True)
            except Exception as problem:
                failed = 1
                print(f"FAILED {case['name']}: {problem if isinstance(problem, Wrong) else repr(problem)}", flush=True)
        return failed


def main():
    parser = argparse.ArgumentParser()
    for name in ("cases", "data", "work", "out", "write", "read"):
        parser.add_argument("--" + name, type=pathlib.Path)
    parser.add_argument("--only", default="")
    sys.exit(Runner(parser.parse_args()).main())


main()
