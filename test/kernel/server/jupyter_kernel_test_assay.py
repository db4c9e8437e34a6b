"""The stock tests of jupyter_kernel_test, with every optional sample filled in.

Prints one JSON object per test: {"test", "outcome": "passed" | "failed" | "skipped", "why"}.
"""
import json
import sys
import unittest

import jupyter_kernel_test


class AssayTests(jupyter_kernel_test.KernelTests):
    kernel_name = "assay"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("careful")'
    completion_samples = [
        {"text": "encodeURIC", "matches": ["encodeURIComponent"]},
        {"text": "JSON.str", "matches": ["stringify"]},
    ]
    complete_code_samples = ["1 + 1", "const a: number = 1", "function f() {\n  return 1\n}"]
    incomplete_code_samples = ["function f() {", "const text = `two", "f(1,"]
    invalid_code_samples = ["const = 1", "1 +* 2"]
    code_page_something = "Math.max?"
    code_generate_error = 'throw new Error("no")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": '"a" + "b"', "mime": "text/plain"},
    ]
    code_display_data = [
        {"code": 'display({ "text/html": "<b>x</b>" }, { raw: true })', "mime": "text/html"},
        {"code": 'display({ "image/png": new Uint8Array([137, 80]) }, { raw: true })', "mime": "image/png"},
        {"code": "display([1, 2, 3])", "mime": "text/plain"},
    ]
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "parseInt"
    code_clear_output = "clearOutput()"


class Result(unittest.TestResult):
    def report(self, test, outcome, why=""):
        name = getattr(test, "test_case", test)._testMethodName
        print(json.dumps({"test": name, "outcome": outcome, "why": why}), flush=True)

    def addSuccess(self, test):
        self.report(test, "passed")

    def addFailure(self, test, err):
        self.report(test, "failed", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self.report(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.report(test, "failed", str(subtest) + "\n" + self._exc_info_to_string(err, test))


if __name__ == "__main__":
    unittest.defaultTestLoader.loadTestsFromTestCase(AssayTests).run(Result())
    sys.exit(0)
