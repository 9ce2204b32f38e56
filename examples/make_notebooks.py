"""Makes and runs examples/notebook.ipynb and notebook.fr.ipynb: the reference notebook replayed with pomona.

usage: make_notebooks.py [--check] [--photos N]     (needs nbformat, nbclient, ipykernel, matplotlib, pyspark and the wheel)

One list of cells in two languages. --check runs both without writing, and fails where a file holds other cells.
"""
import argparse
import pathlib
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

HERE = pathlib.Path(__file__).resolve().parent
FILES = {"en": HERE / "notebook.ipynb", "fr": HERE / "notebook.fr.ipynb"}

# (kind, English, French) or (kind, code)
CELLS = [
    ("text",
     "# Photos to components on Spark\n\nFruit photos in, features of a convolutional network, 50 standardised principal components, a CSV, a "
     "scree plot and a classifier out. What used to be TensorFlow in every executor and the network run at each action is three lines of "
     "`pomona.spark` here; the rest is the Spark you know.\n\nThe photos are synthetic drawings made on the spot, so that the notebook runs "
     "anywhere. With yours: set `PHOTOS` to `s3a://your-bucket/photos`.",
     "# Des photos aux composantes, sur Spark\n\nEn entrée, des photos de fruits ; en sortie, les caractéristiques d'un réseau convolutif, 50 "
     "composantes principales standardisées, un CSV, un éboulis et un classifieur. Ce qui demandait TensorFlow dans chaque exécuteur, et le "
     "réseau relancé à chaque action, tient ici en trois lignes de `pomona.spark` ; le reste est le Spark habituel.\n\nLes photos sont des "
     "dessins fabriqués sur place, pour que le notebook tourne partout. Avec les vôtres : mettez `PHOTOS` à `s3a://votre-seau/photos`."),
    ("code",
     "import os, sys, tempfile, time\n"
     "os.environ.setdefault('PYSPARK_PYTHON', sys.executable)\n"
     "import matplotlib.pyplot as plt\nimport numpy as np\nfrom pyspark.sql import SparkSession\n\n"
     "import pomona\nimport pomona.spark as ps\n\n"
     "COUNT = int(os.environ.get('POMONA_PHOTOS', 600))\nFOLDER = tempfile.mkdtemp(prefix='pomona-')\n"
     "PHOTOS, RESULTS = f'{FOLDER}/photos', f'{FOLDER}/results'\npomona.sample(PHOTOS, COUNT, classes=12)\n\n"
     "spark = SparkSession.builder.master('local[2]').config('spark.ui.showConsoleProgress', 'false').getOrCreate()\n"
     "spark.sparkContext.setLogLevel('ERROR')\npomona.__version__, spark.version"),
    ("text",
     "## The photos\n\n`binaryFile` as before. The label is the name of each photo's folder.",
     "## Les photos\n\n`binaryFile` comme avant. L'étiquette est le nom du dossier de chaque photo."),
    ("code",
     "photos = (spark.read.format('binaryFile').option('recursiveFileLookup', 'true').option('pathGlobFilter', '*.jpg').load(PHOTOS))\n"
     "print(photos.count(), 'photos')\n\nfrom io import BytesIO\nfigure, axes = plt.subplots(2, 6, figsize=(10, 3.6))\n"
     "for axis, row in zip(axes.flat, photos.orderBy('modificationTime', 'path').limit(400).sample(0.2, seed=1).limit(12).collect()):\n"
     "    axis.imshow(plt.imread(BytesIO(row.content), format='jpeg'))\n    axis.set_title(row.path.split('/')[-2], fontsize=8)\n    axis.axis('off')\n"
     "plt.show()"),
    ("text",
     "## Features\n\nOne pass. A photo that cannot be read is a row with its error, not a lost job. The table is kept in the executors, so what "
     "follows does not run the network again.",
     "## Caractéristiques\n\nUn seul passage. Une photo illisible est une ligne avec son erreur, pas un travail perdu. La table reste dans les "
     "exécuteurs : la suite ne relance pas le réseau."),
    ("code",
     "start = time.time()\nfeatures = ps.features(photos)\nprint(features.count(), 'rows,', features.where('error is not null').count(), 'errors,',\n"
     "      f'{COUNT / (time.time() - start):.0f} photos/s')\nfeatures.select('path', 'label', 'error').show(3, truncate=False)"),
    ("code", "print(ps.write(features, RESULTS, partitions=4))\nsorted(name for name in os.listdir(f'{RESULTS}/Results') if not name.startswith('.'))"),
    ("text",
     "## Principal components\n\nExact sums of every partition are merged; standardisation and components follow from them in closed form.",
     "## Composantes principales\n\nLes sommes exactes de chaque partition sont fusionnées ; standardisation et composantes en découlent, sans "
     "repasser sur les données."),
    ("code",
     "moments = ps.moments(features)\npca = moments.pca(k=50)\nprint(moments)\nprint(pca)\nscores = ps.transform(features, pca)\n"
     "scores.select('path', 'label', 'pca').write.mode('overwrite').parquet(f'{RESULTS}/PCA_Results')"),
    ("code",
     "share = pca.explained_variance_ratio\nfigure, axis = plt.subplots(figsize=(8, 3.6))\naxis.bar(range(1, 51), 100 * share, color='#7a9e3b')\n"
     "axis.set_xlabel('component')\naxis.set_ylabel('% of the variance')\nline = axis.twinx()\n"
     "line.plot(range(1, 51), 100 * np.cumsum(share), color='#b5432e')\nline.set_ylabel('cumulative %')\nline.set_ylim(0, 100)\nplt.show()",
     ),
    ("code",
     "rows = scores.select('label', 'pca').where('pca is not null').toLocalIterator()\npoints = [(row.label, row.pca[0], row.pca[1]) for row in rows]\n"
     "figure, axis = plt.subplots(figsize=(8, 5))\nfor name in sorted({label for label, _, _ in points}):\n"
     "    xy = np.array([(x, y) for label, x, y in points if label == name])\n    axis.scatter(*xy.T, s=8, label=name)\n"
     "axis.legend(fontsize=7, ncol=2)\nplt.show()"),
    ("text",
     "## The CSV of components\n\nFull precision, one line a photo.",
     "## Le CSV des composantes\n\nPrécision entière, une ligne par photo."),
    ("code",
     "import csv\nwith open(f'{RESULTS}/PCA_results.csv', 'w', newline='') as file:\n    writer = csv.writer(file)\n"
     "    writer.writerow(['path', 'label', *(f'pc{i + 1}' for i in range(pca.k))])\n"
     "    for row in scores.where('pca is not null').orderBy('path').toLocalIterator():\n        writer.writerow([row.path, row.label, *map(repr, row.pca)])\n"
     "print(open(f'{RESULTS}/PCA_results.csv').readline()[:80])"),
    ("text",
     "## A classifier\n\nLearnt from the same table, judged on photos that it has not learnt from; one ONNX file that any runtime, and a phone, "
     "can run.",
     "## Un classifieur\n\nAppris sur la même table, jugé sur des photos qu'il n'a pas vues ; un fichier ONNX que tout moteur, et un téléphone, "
     "sait exécuter."),
    ("code",
     "classifier = ps.train(features, f'{RESULTS}/fruit.onnx', head='lda')\nprint(classifier)\n"
     "print({key: round(classifier.training[key], 3) for key in ('top1', 'top1_low', 'top1_high', 'ece')})\n"
     "ps.predict(photos.limit(200), classifier).select('path', 'class', 'probability', 'level').show(5, truncate=False)"),
    ("code", "features.unpersist()\nspark.stop()"),
]


# What the pictures say.
FRENCH = {"'component'": "'composante'", "'% of the variance'": "'% de la variance'", "'cumulative %'": "'% cumulé'",
          "'rows,'": "'lignes,'", "'errors,'": "'erreurs,'"}


def source(cell, language):
    if language == "en":
        return cell[1]
    if cell[0] == "text":
        return cell[2]
    code = cell[1]
    for english, french in FRENCH.items():
        code = code.replace(english, french)
    return code


def notebook(language):
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata["language_info"] = {"name": "python"}
    for i, cell in enumerate(CELLS):
        new = nbformat.v4.new_markdown_cell if cell[0] == "text" else nbformat.v4.new_code_cell
        made.cells.append(new(source(cell, language), id=f"cell-{i}"))
    return made


def without_machine(made, folder):
    """Outputs say nothing of the machine that ran them."""
    for cell in made.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            for key in ("text", "traceback"):
                if key in output:
                    output[key] = output[key].replace(folder, "/tmp")
    return made


parser = argparse.ArgumentParser()
parser.add_argument("--check", action="store_true")
options = parser.parse_args()
failed = 0
for language, file in FILES.items():
    made = notebook(language)
    NotebookClient(made, timeout=900, kernel_name="python3").execute()
    pictures = sum("image/png" in output.get("data", {}) for cell in made.cells for output in cell.get("outputs", []))
    print(f"{file.name}: ran, {pictures} pictures")
    if options.check:
        kept = nbformat.read(file, 4)
        if [cell.source for cell in kept.cells] != [cell.source for cell in made.cells]:
            print(f"{file.name}: its cells are not those of make_notebooks.py")
            failed = 1
        shown = sum("image/png" in output.get("data", {}) for cell in kept.cells for output in cell.get("outputs", []))
        failed |= shown != pictures
    else:
        nbformat.write(without_machine(made, tempfile.gettempdir()), file)
sys.exit(failed)
