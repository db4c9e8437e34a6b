"""Runs notebooks through nbclient, as nbconvert --execute does, and prints what the saved notebook keeps."""
import json

import nbformat
from nbclient import NotebookClient


def run(cells):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in cells]
    NotebookClient(notebook, kernel_name="assay", timeout=120).execute()
    return notebook.cells


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


long_print = run(['for (let i = 0; i < 20_000; i++) console.log("line " + i)'] + ["6 * 7"] * 251)
thousand = run(["1 + 1"] * 1000)
print(
    json.dumps(
        {
            "lines": printed(long_print[0]).count("\n"),
            "last": printed(long_print[0]).rstrip().rsplit("\n", 1)[-1],
            "resultsAfter": sum(len(cell.outputs) == 1 for cell in long_print[1:]),
            "results": sum(
                len(cell.outputs) == 1 and cell.outputs[0].data["text/plain"] == "2" for cell in thousand
            ),
        }
    )
)
